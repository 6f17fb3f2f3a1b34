"""Encryption with a passphrase, by libsodium: Argon2id makes the key, a secret stream does the rest.

The file is MAGIC, the salt, the stream's header, and the stream's messages. The first message is empty and
tells whether the passphrase is right; each further one holds CHUNK bytes; the last is marked as the last and
may hold fewer. The stream notices messages that are changed, left out, repeated or exchanged. libsodium's
documentation gives this recipe for files. age is not used, because its passphrases cost 256 MB of memory or
more.
"""

import os
from typing import Final

from nacl.bindings import (
    crypto_secretstream_xchacha20poly1305_ABYTES,
    crypto_secretstream_xchacha20poly1305_HEADERBYTES,
    crypto_secretstream_xchacha20poly1305_init_pull,
    crypto_secretstream_xchacha20poly1305_init_push,
    crypto_secretstream_xchacha20poly1305_KEYBYTES,
    crypto_secretstream_xchacha20poly1305_pull,
    crypto_secretstream_xchacha20poly1305_push,
    crypto_secretstream_xchacha20poly1305_state,
    crypto_secretstream_xchacha20poly1305_TAG_FINAL,
    crypto_secretstream_xchacha20poly1305_TAG_MESSAGE,
)
from nacl.pwhash import argon2id

from rollcall.archive.tar import Sink, Source
from rollcall.core.errors import InvalidRequest

MAGIC: Final = b"rollcall-encrypted-1\n"
CHUNK: Final = 2**16
# Part of the format that MAGIC names. A third of a second, and memory that a small container has.
PASSES: Final = 12
MEMORY_BYTES: Final = 64 * 2**20

_OVERHEAD: Final = crypto_secretstream_xchacha20poly1305_ABYTES
_CUT: Final = "The archive is incomplete: it ends too early."
_DAMAGED: Final = "The archive is damaged, or was tampered with."


class EncryptedSink:
    """Encrypts what is written. Without `finish` the file is incomplete."""

    def __init__(self, file: Sink, passphrase: bytes) -> None:
        self._file = file
        self._waiting = bytearray()
        self._state = crypto_secretstream_xchacha20poly1305_state()
        salt = os.urandom(argon2id.SALTBYTES)
        header = crypto_secretstream_xchacha20poly1305_init_push(self._state, _key(passphrase, salt))
        file.write(MAGIC + salt + header)
        self._push(b"", crypto_secretstream_xchacha20poly1305_TAG_MESSAGE)

    def write(self, data: bytes, /) -> None:
        self._waiting += data
        while len(self._waiting) > CHUNK:
            self._push(bytes(self._waiting[:CHUNK]), crypto_secretstream_xchacha20poly1305_TAG_MESSAGE)
            del self._waiting[:CHUNK]

    def finish(self) -> None:
        """Mark the end."""
        self._push(bytes(self._waiting), crypto_secretstream_xchacha20poly1305_TAG_FINAL)

    def _push(self, message: bytes, tag: int) -> None:
        self._file.write(crypto_secretstream_xchacha20poly1305_push(self._state, message, MAGIC, tag))


class DecryptedSource:
    """Decrypts what is read, from behind MAGIC on.

    Raises:
        InvalidRequest: the passphrase is wrong; while reading: the file is damaged or ends too early.
    """

    def __init__(self, file: Source, passphrase: bytes) -> None:
        self._file = file
        self._waiting = bytearray()
        self._ended = False
        self._state = crypto_secretstream_xchacha20poly1305_state()
        salt = file.read(argon2id.SALTBYTES)
        header = file.read(crypto_secretstream_xchacha20poly1305_HEADERBYTES)
        if len(header) < crypto_secretstream_xchacha20poly1305_HEADERBYTES:
            raise InvalidRequest(_DAMAGED)
        crypto_secretstream_xchacha20poly1305_init_pull(self._state, header, _key(passphrase, salt))
        self._pull(0, "The passphrase is wrong, or the archive's beginning is damaged.")

    def read(self, size: int, /) -> bytes:
        while len(self._waiting) < size and not self._ended:
            self._waiting += self._pull(CHUNK, _DAMAGED)
        taken = bytes(self._waiting[:size])
        del self._waiting[:size]
        return taken

    def _pull(self, length: int, problem: str) -> bytes:
        box = self._file.read(length + _OVERHEAD)
        try:
            message, tag = crypto_secretstream_xchacha20poly1305_pull(self._state, box, MAGIC)
        except (RuntimeError, ValueError):
            # ValueError: fewer bytes than a message has, because the file ends here.
            raise InvalidRequest(problem if box else _CUT) from None
        if tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL:
            self._ended = True
            if self._file.read(1):
                raise InvalidRequest(_DAMAGED)
        return message


def _key(passphrase: bytes, salt: bytes) -> bytes:
    size = crypto_secretstream_xchacha20poly1305_KEYBYTES
    return argon2id.kdf(size, passphrase, salt, opslimit=PASSES, memlimit=MEMORY_BYTES)
