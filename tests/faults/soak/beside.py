"""What runs beside the engine until it is stopped."""

import threading


class Beside:
    """Work in threads of its own, which ends soon after ``self._stopping`` is set."""

    def __init__(self, *work):
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=own) for own in work]
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._stopping.set()
        for thread in self._threads:
            thread.join()
