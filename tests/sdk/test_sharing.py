"""Profit sharing (wire §7) through the SDK's own methods: receivers, shares, returns, what is left, and the bill."""

import json
import time
from datetime import datetime, timedelta

import pytest
from support import PATIENCE_S, Server, number, order, place, sdk
from test_bills import BEIJING, advance, fetched, table

OFFICE_NAME = "飞钱连锁总部 Feiqian Head Office"


def parsed(asked):
    """Status and parsed answer."""
    status, text = asked
    return status, json.loads(text)


def office(server) -> str:
    """The sandbox's other merchant, which gives back what it received."""
    return json.loads((server.data / "sandbox/partner.json").read_text())["mchid"]


def agreed(server, pay):
    """The head office is a receiver of the sandbox's merchant."""
    to = office(server)
    status, added = parsed(pay.profitsharing_add_receiver("MERCHANT_ID", to, "HEADQUARTER", name=OFFICE_NAME))
    assert (status, added) == (200, {"type": "MERCHANT_ID", "account": to, "relation_type": "HEADQUARTER"})
    return to


def sold(server, pay, total=10000):
    """A paid order that is to be shared: its transaction_id."""
    mine = number("share")
    status, placed = place(pay, mine, total, settle_info={"profit_sharing": True})
    assert status == 200, placed
    paid = server.pay(code_url=placed["code_url"])
    assert paid.status_code == 200, paid.text
    return order(pay, mine)["transaction_id"]


def share(pay, transaction, parts, last=False, mine=None):
    return parsed(pay.profitsharing_order(transaction, mine or number("S"), parts, last))


def finished(pay, asked):
    """The request once every part has ended."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        status, now = parsed(pay.profitsharing_order_query(asked["transaction_id"], asked["out_order_no"]))
        assert status == 200, now
        if now["state"] == "FINISHED":
            return now
        time.sleep(0.05)
    raise AssertionError(f"{asked} did not finish")


def left(pay, transaction):
    status, now = parsed(pay.profitsharing_amount_query(transaction))
    assert status == 200, now
    return now["unsplit_amount"]


def part(to, amount, kind="MERCHANT_ID"):
    return {"type": kind, "account": to, "amount": amount, "description": "门店提成"}


def test_an_order_is_shared_with_a_merchant_and_a_person(server):
    pay = sdk(server)
    to, person = agreed(server, pay), server.sandbox["payer_openid"]
    status, added = parsed(pay.profitsharing_add_receiver("PERSONAL_OPENID", person, "STAFF"))
    assert (status, added["account"]) == (200, person)
    transaction = sold(server, pay)
    assert left(pay, transaction) == 9940  # less the fee
    status, asked = share(pay, transaction, [part(to, 2000), part(person, 500, "PERSONAL_OPENID")])
    assert status == 200, asked
    assert asked["state"] == "PROCESSING"
    assert [one["result"] for one in asked["receivers"]] == ["PENDING", "PENDING"]
    done = finished(pay, asked)
    assert [(one["account"], one["result"]) for one in done["receivers"]] == [(to, "SUCCESS"), (person, "SUCCESS")]
    assert left(pay, transaction) == 7440
    assert share(pay, transaction, [part(to, 2000), part(person, 500, "PERSONAL_OPENID")], mine=asked["out_order_no"]) == (
        200,
        done,
    )
    status, other = share(pay, transaction, [part(to, 1)], mine=asked["out_order_no"])
    assert (status, other["code"]) == (400, "INVALID_REQUEST")


def test_the_rest_is_unfrozen_and_nothing_more_is_shared(server):
    pay = sdk(server)
    to, transaction = agreed(server, pay), sold(server, pay)
    status, asked = parsed(pay.profitsharing_unfreeze(transaction, number("U"), "分账完结"))
    assert status == 200, asked
    done = finished(pay, asked)
    assert [(one["account"], one["amount"]) for one in done["receivers"]] == [(server.sandbox["mchid"], 9940)]
    assert left(pay, transaction) == 0
    status, refused = share(pay, transaction, [part(to, 1)])
    assert (status, refused["code"]) == (400, "INVALID_REQUEST")


def test_a_share_is_returned_before_the_order_is_refunded(server):
    pay = sdk(server)
    to, transaction = agreed(server, pay), sold(server, pay)
    status, asked = share(pay, transaction, [part(to, 3000)])
    assert status == 200, asked
    finished(pay, asked)
    whole = {"refund": 10000, "total": 10000, "currency": "CNY"}
    back = number("R")
    status, refused = parsed(pay.refund(back, whole, transaction_id=transaction))
    assert (status, refused["code"]) == (403, "NOT_ENOUGH")
    mine = number("RET")
    status, returned = parsed(
        pay.profitsharing_return(mine, to, 3000, "用户退款", out_order_no=asked["out_order_no"])
    )
    assert (status, returned["return_mchid"]) == (200, to)
    until = time.monotonic() + PATIENCE_S
    while returned["result"] == "PROCESSING" and time.monotonic() < until:
        # The SDK writes `?&out_order_no=`; the empty parameter is signed as it stands.
        status, returned = parsed(pay.profitsharing_return_query(asked["out_order_no"], mine))
        assert status == 200, returned
    assert returned["result"] == "SUCCESS"
    assert left(pay, transaction) == 9940
    time.sleep(1.1)  # six refunds a second may fail
    status, refunded = parsed(pay.refund(back, whole, transaction_id=transaction))
    assert (status, refunded["status"]) == (200, "SUCCESS")
    assert left(pay, transaction) == 0


def test_what_the_merchant_may_share(server):
    pay = sdk(server)
    to, transaction = agreed(server, pay), sold(server, pay)
    status, ratio = parsed(pay.profitsharing_config_query(server.sandbox["mchid"]))
    assert (status, ratio["max_ratio"]) == (200, 3000)
    for amount, expected in [(3001, (400, "INVALID_REQUEST")), (9941, (403, "NOT_ENOUGH"))]:
        status, refused = share(pay, transaction, [part(to, amount)])
        assert (status, refused["code"]) == expected
    status, gone = parsed(pay.profitsharing_delete_receiver("MERCHANT_ID", to))
    assert (status, gone) == (200, {"type": "MERCHANT_ID", "account": to})
    status, refused = share(pay, transaction, [part(to, 1)])
    assert (status, refused["code"]) == (400, "INVALID_REQUEST")
    status, refused = parsed(pay.profitsharing_add_receiver("MERCHANT_ID", to, "STORE", name="另一个名字"))
    assert (status, refused["code"]) == (400, "PARAM_ERROR")
    plain = number("plain")
    _, placed = place(pay, plain, 100)
    assert server.pay(code_url=placed["code_url"]).status_code == 200
    status, refused = share(pay, order(pay, plain)["transaction_id"], [part(to, 1)])
    assert (status, refused["code"]) == (400, "INVALID_REQUEST")


@pytest.fixture(scope="module")
def morning():
    """A day with a share, a return and an unfreeze, seen at 11:00 of the next: (server, SDK, the day, the receiver)."""
    server = Server()
    try:
        pay = sdk(server)
        now = datetime.now(BEIJING)
        tomorrow = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), BEIJING)
        advance(server, tomorrow + timedelta(hours=1) - now)
        to = agreed(server, pay)
        _, asked = share(pay, sold(server, pay), [part(to, 2000)], last=True)
        finished(pay, asked)
        mine = number("RET")
        pay.profitsharing_return(mine, to, 500, "用户退款", order_id=asked["order_id"])
        while parsed(pay.profitsharing_return_query(asked["out_order_no"], mine))[1]["result"] == "PROCESSING":
            time.sleep(0.05)
        advance(server, timedelta(hours=34))
        yield server, pay, tomorrow.date().isoformat(), to
        server.must_prove()
        server.stop()
    finally:
        server.forget()


def test_the_bill_has_every_share_return_and_unfreeze(morning):
    server, pay, day, to = morning
    rows, summary = table(fetched(pay, pay.profitsharing_bill(day)))
    found = [(row["业务类型"], row["分账接收方"], row["分账金额"], row["处理状态"]) for row in rows]
    mchid = server.sandbox["mchid"]
    assert found == [
        ("分账", to, "20.00", "SUCCESS"),
        ("解冻资金", mchid, "79.40", "SUCCESS"),
        ("分账回退", to, "5.00", "SUCCESS"),
    ]
    assert {row["分账方"] for row in rows} == {mchid}
    assert summary["总条数"] == "3"
    flows, _ = table(fetched(pay, pay.fundflow_bill(day)))
    shared = [(row["业务名称"], row["收支类型"], row["收支金额(元)"]) for row in flows if "分账" in row["业务名称"]]
    assert shared == [("分账", "支出", "20.00"), ("分账回退", "收入", "5.00")]
