"""Locks under threads and in forks."""

import multiprocessing
import os
import threading

import pytest

from textrep.core.locks import SharedLock, own_lock


class Owner:
    pass


def test_one_thread_has_the_lock_at_a_time():
    lock, inside, most = SharedLock(), [], []

    def work():
        for _ in range(50):
            with lock, lock:
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_a_fork_does_not_wait_for_a_thread_that_it_has_not():
    lock, held, done = SharedLock(), threading.Event(), threading.Event()

    def hold():
        with lock:
            held.set()
            done.wait()

    def take():
        with lock:
            pass

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    child = multiprocessing.get_context("fork").Process(target=take, daemon=True)
    child.start()
    child.join(timeout=60)
    done.set()
    holder.join()
    assert child.exitcode == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_who_forks_with_the_lock_has_it_in_the_fork():
    lock = SharedLock()
    with lock:
        child = os.fork()
        if not child:
            taken = []
            thread = threading.Thread(target=lambda: taken.append(lock._lock.acquire(timeout=0.1)))
            thread.start()
            thread.join()
            os._exit(int(taken[0]))
        assert os.waitpid(child, 0)[1] == 0


def test_each_object_has_a_lock_of_its_own():
    one, two = Owner(), Owner()
    assert own_lock(one) is own_lock(one)
    assert own_lock(one) is not own_lock(two)
