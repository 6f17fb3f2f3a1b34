"""A folder of each server's own for what its processes count.

BentoML 1.4.39 has one for each BENTOML_HOME, which a server empties at its start: a second one would take the
first one's counts away, and each would tell those of both. How to give it another is private to it; its
version is pinned, and tests/e2e/test_metrics.py tells when that stops working.
"""

import atexit
import shutil
import tempfile
from functools import partial

from bentoml._internal.configuration.containers import BentoMLContainer


def install_metrics_folder() -> None:
    """Make it in the temp folder, and let it go with this process. For the supervisor, before it serves."""
    folder = tempfile.mkdtemp(prefix="rollcall-metrics-")
    atexit.register(partial(shutil.rmtree, folder, ignore_errors=True))
    BentoMLContainer.prometheus_multiproc_dir.set(folder)
