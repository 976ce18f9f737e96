"""`feiqian prove` passes on honest books, and fails on books that someone changed behind its back."""

import shutil
import sqlite3

import pytest
from support import Server, feiqian, number, place, sdk

# What an intruder or a fault might do to the stored rows: name, statement. Each must change at least one row.
CHANGES = {
    "money made from nothing": "UPDATE accounts SET credits_posted = credits_posted + 1 WHERE id = "
                               "(SELECT max(id) FROM accounts WHERE credits_posted > 0)",
    "money moved without a transfer": "UPDATE accounts SET "
                                      "credits_posted = credits_posted + (id = (SELECT max(id) FROM accounts)), "
                                      "debits_posted = debits_posted + (id = (SELECT min(id) FROM accounts))",
    "a hold without a payment": "UPDATE accounts SET debits_pending = debits_pending + 1 WHERE id = "
                                "(SELECT min(id) FROM accounts)",
    "a transfer removed": "DELETE FROM transfers WHERE id = (SELECT max(id) FROM transfers)",
    "a transfer changed": "UPDATE transfers SET amount = amount + 1 WHERE id = (SELECT max(id) FROM transfers)",
    "an unpaid order marked paid": "UPDATE orders SET state = 2 WHERE state = 0",
    "a paid order marked unpaid": "UPDATE orders SET state = 0 WHERE state = 2",
    "the amount of a paid order changed": "UPDATE orders SET amount = amount + 1 WHERE state = 2",
    "the fee of a paid order changed": "UPDATE orders SET fee = fee + 1 WHERE state = 2",
}


@pytest.fixture(scope="module")
def at_rest():
    """A store at rest that holds one paid and one unpaid order, and all that `sandbox init` made."""
    server = Server()
    try:
        pay = sdk(server)
        place(pay, number("open"), 700)
        _, placed = place(pay, number("paid"), 12_300)
        assert server.pay(code_url=placed["code_url"]).status_code == 200
        server.stop()
        yield server.data
    finally:
        server.forget()


def test_honest_books_are_proved(at_rest):
    proved = feiqian("prove", "--data", str(at_rest))
    assert proved.returncode == 0, proved.stdout + proved.stderr


@pytest.mark.parametrize("name", CHANGES)
def test_changed_books_are_found_out(at_rest, tmp_path, name):
    copy = tmp_path / "data"
    shutil.copytree(at_rest, copy)
    (file,) = copy.glob("*.db")
    with sqlite3.connect(file) as books:
        assert books.execute(CHANGES[name]).rowcount > 0, "the statement changed nothing, so it tests nothing"
    books.close()
    proved = feiqian("prove", "--data", str(copy))
    assert proved.returncode == 1, f"'{name}' went unnoticed:\n{proved.stdout}{proved.stderr}"
    assert (proved.stdout + proved.stderr).strip(), "a failed proof says what is wrong"
