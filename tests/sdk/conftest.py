"""One server for the whole run; each test uses order numbers of its own."""

import pytest
from support import Receiver, Server


@pytest.fixture(scope="session")
def server():
    running = Server()
    try:
        yield running
        # Whatever the tests sent, the books must balance, on the live store and on the one at rest.
        running.must_prove()
        running.stop()
        running.must_prove()
    finally:
        running.forget()


@pytest.fixture
def receiver():
    listening = Receiver()
    yield listening
    listening.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Shows the end of the server's log with a failed test."""
    outcome = yield
    report = outcome.get_result()
    running = item.funcargs.get("server") if hasattr(item, "funcargs") else None
    if report.failed and running is not None and running.log.is_file():
        tail = running.log.read_text(errors="replace").splitlines()[-40:]
        report.sections.append(("the end of the server's log", "\n".join(tail)))


def pytest_sessionfinish(session, exitstatus):
    """A filter that matches no test here may match one of another runner: that is no failure."""
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and session.config.option.keyword:
        session.exitstatus = pytest.ExitCode.OK
