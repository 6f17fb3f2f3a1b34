"""Encryption with a passphrase, by libsodium: Argon2id makes the key, a secret stream does the rest.

The file is MAGIC, the cost of the key, the salt, the stream's header, and the stream's messages. The first
message is empty and tells whether the passphrase is right; each further one holds CHUNK bytes; the last is
marked as the last and may hold fewer. The stream notices messages that are changed, left out, repeated or
exchanged. libsodium's documentation gives this recipe for files.
"""

import os
import struct
from dataclasses import dataclass
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
_COST: Final = struct.Struct("<II")
_OVERHEAD: Final = crypto_secretstream_xchacha20poly1305_ABYTES
_CUT: Final = "The archive is incomplete: it ends too early."
_DAMAGED: Final = "The archive is damaged, or was tampered with."


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCost:
    """What it costs to try a passphrase: a third of a second, and memory that a small container has."""

    passes: int = 12
    memory_bytes: int = 64 * 2**20


USUAL_COST: Final = KeyCost()
# An archive of somebody else's must not take all memory or run for hours.
_MOST: Final = KeyCost(passes=100, memory_bytes=256 * 2**20)


class EncryptedSink:
    """Encrypts what is written. Without `finish` the file is incomplete."""

    def __init__(self, file: Sink, passphrase: bytes, cost: KeyCost) -> None:
        self._file = file
        self._waiting = bytearray()
        self._state = crypto_secretstream_xchacha20poly1305_state()
        salt = os.urandom(argon2id.SALTBYTES)
        key = _key(passphrase, salt, cost)
        header = crypto_secretstream_xchacha20poly1305_init_push(self._state, key)
        self._begin = MAGIC + _COST.pack(cost.passes, cost.memory_bytes) + salt
        file.write(self._begin + header)
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
        self._file.write(crypto_secretstream_xchacha20poly1305_push(self._state, message, self._begin, tag))


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
        cost = file.read(_COST.size)
        salt = file.read(argon2id.SALTBYTES)
        header = file.read(crypto_secretstream_xchacha20poly1305_HEADERBYTES)
        if len(header) < crypto_secretstream_xchacha20poly1305_HEADERBYTES:
            raise InvalidRequest(_CUT)
        self._begin = MAGIC + cost + salt
        key = _key(passphrase, salt, _read_cost(cost))
        crypto_secretstream_xchacha20poly1305_init_pull(self._state, header, key)
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
            message, tag = crypto_secretstream_xchacha20poly1305_pull(self._state, box, self._begin)
        except (RuntimeError, ValueError):
            # ValueError: fewer bytes than a message has, because the file ends here.
            raise InvalidRequest(problem if box else _CUT) from None
        if tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL:
            self._ended = True
            if self._file.read(1):
                raise InvalidRequest(_DAMAGED)
        return message


def _key(passphrase: bytes, salt: bytes, cost: KeyCost) -> bytes:
    size = crypto_secretstream_xchacha20poly1305_KEYBYTES
    return argon2id.kdf(size, passphrase, salt, opslimit=cost.passes, memlimit=cost.memory_bytes)


def _read_cost(packed: bytes) -> KeyCost:
    passes, memory_bytes = _COST.unpack(packed)
    if (
        argon2id.OPSLIMIT_MIN <= passes <= _MOST.passes
        and argon2id.MEMLIMIT_MIN <= memory_bytes <= _MOST.memory_bytes
    ):
        return KeyCost(passes=passes, memory_bytes=memory_bytes)
    raise InvalidRequest(_DAMAGED)
