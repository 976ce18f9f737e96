"""Refunds (wire §4): in whole and in part, again, too much; looked up, approved, notified."""

import json
import time

import requests
from support import PATIENCE_S, number, order, place, sdk


def sold(server, pay, total=100, **more):
    """A paid order: its number."""
    mine = number("refund")
    _, placed = place(pay, mine, total, **more)
    paid = server.pay(code_url=placed["code_url"])
    assert paid.status_code == 200, paid.text
    return mine


def refund(pay, out_trade_no, amount, total=100, out_refund_no=None, **more):
    """Asks for a refund: status and parsed answer."""
    amount = {"refund": amount, "total": total, "currency": "CNY"}
    status, text = pay.refund(out_refund_no or number("R"), amount, out_trade_no=out_trade_no, **more)
    return status, json.loads(text)


def a_second():
    """Six refunds a second may fail; what other tests made fail is forgotten by then."""
    time.sleep(1.1)


def advance(server, seconds):
    """Moves the sandbox's clock, past the minute between two refunds of one order."""
    moved = server.post("/sandbox/v1/clock", {"advance_seconds": seconds})
    assert moved.status_code == 200, moved.text


def test_r_fin_61_a_whole_refund_is_answered_looked_up_and_shown_in_the_order(server):
    pay = sdk(server)
    mine, back = sold(server, pay, 137), number("R")
    status, done = refund(pay, mine, 137, 137, back, reason="商品已售完")
    assert status == 200, done
    assert done["out_refund_no"] == back
    assert done["out_trade_no"] == mine
    assert done["status"] == "SUCCESS"
    assert done["channel"] == "ORIGINAL"
    assert done["user_received_account"] == "支付用户零钱"
    assert done["amount"].items() >= {"total": 137, "refund": 137, "payer_refund": 137, "currency": "CNY"}.items()
    status, text = pay.query_refund(back)
    assert status == 200
    assert json.loads(text) == done
    after = order(pay, mine)
    assert after["trade_state"] == "REFUND"
    assert after["transaction_id"] == done["transaction_id"]


def test_an_order_is_refunded_in_parts_and_never_beyond(server):
    pay = sdk(server)
    mine = sold(server, pay)
    status, first = refund(pay, mine, 60)
    assert status == 200, first
    status, soon = refund(pay, mine, 40)
    assert (status, soon["code"]) == (429, "FREQUENCY_LIMITED")
    advance(server, 61)
    status, much = refund(pay, mine, 41)
    assert (status, much["code"]) == (400, "INVALID_REQUEST")
    status, text = pay.refund(
        number("R"), {"refund": 40, "total": 100, "currency": "CNY"}, transaction_id=first["transaction_id"]
    )
    assert status == 200, text


def test_the_same_number_is_the_same_refund(server):
    pay = sdk(server)
    mine, back = sold(server, pay), number("R|*@")
    status, first = refund(pay, mine, 30, out_refund_no=back)
    assert status == 200, first
    assert refund(pay, mine, 30, out_refund_no=back) == (200, first)
    status, other = refund(pay, mine, 31, out_refund_no=back)
    assert (status, other["code"]) == (400, "INVALID_REQUEST")
    status, text = pay.query_refund(back)
    assert (status, json.loads(text)) == (200, first)


def test_errors_have_the_codes_of_the_wire(server):
    pay = sdk(server)
    mine = sold(server, pay)
    unpaid = number("open")
    place(pay, unpaid)
    a_second()
    for (status, answer), wanted in [
        (refund(pay, number("none"), 1), (404, "RESOURCE_NOT_EXISTS")),
        (refund(pay, unpaid, 1), (404, "RESOURCE_NOT_EXISTS")),
        (refund(pay, mine, 1, 99), (400, "INVALID_REQUEST")),
        (refund(pay, mine, 1, funds_account="AVAILABLE"), (403, "NOT_ENOUGH")),
    ]:
        assert (status, answer["code"]) == wanted, answer
    status, text = pay.query_refund(number("none"))
    assert (status, json.loads(text)["code"]) == (404, "RESOURCE_NOT_EXISTS")
    a_second()


def test_a_refund_is_notified_once_and_the_sdk_decrypts_it(server, receiver):
    pay = sdk(server)
    mine, back = sold(server, pay), number("R")
    status, done = refund(pay, mine, 30, out_refund_no=back, notify_url=receiver.url)
    assert status == 200, done
    headers, body = receiver.next()
    notification = pay.callback(headers, body)
    assert notification, "the SDK refused the notification's signature"
    assert notification["event_type"] == "REFUND.SUCCESS"
    assert notification["resource_type"] == "encrypt-resource"
    told = notification["resource"]
    assert told == {
        "mchid": server.sandbox["mchid"],
        "transaction_id": done["transaction_id"],
        "out_trade_no": mine,
        "refund_id": done["refund_id"],
        "out_refund_no": back,
        "refund_status": "SUCCESS",
        "success_time": done["success_time"],
        "user_received_account": "支付用户零钱",
        "amount": {"total": 100, "refund": 30, "payer_total": 100, "payer_refund": 30},
    }
    assert json.loads(pay.decrypt_callback(headers, body)) == told
    refund(pay, mine, 30, out_refund_no=back, notify_url=receiver.url)
    time.sleep(1)
    assert receiver.came.empty(), "the same refund again is not told again"


def test_a_large_refund_is_processing_until_somebody_approves_it(server, receiver):
    pay = sdk(server)
    mine, back = sold(server, pay, 60_000), number("R")
    status, waits = refund(pay, mine, 60_000, 60_000, back, notify_url=receiver.url)
    assert (status, waits["status"]) == (200, "PROCESSING"), waits
    listed = requests.get(f"{server.base_url}/sandbox/v1/refunds", timeout=PATIENCE_S).json()["refunds"]
    (mine_waits,) = [row for row in listed if row["out_refund_no"] == back]
    approved = server.post(f"/sandbox/v1/refunds/{mine_waits['refund_id']}/approve", {"operator": 3})
    assert (approved.status_code, approved.json()["status"]) == (200, "SUCCESS"), approved.text
    assert pay.callback(*receiver.next())["resource"]["refund_status"] == "SUCCESS"


def test_a_refund_to_a_card_ends_when_the_bank_has_answered(server, receiver):
    pay = sdk(server)
    mine, back = number("card"), number("R")
    _, placed = place(pay, mine)
    assert server.pay(code_url=placed["code_url"], card=True).status_code == 200
    status, asked = refund(pay, mine, 100, out_refund_no=back, notify_url=receiver.url)
    assert status == 200, asked
    assert asked["user_received_account"].startswith("工商银行借记卡")
    assert pay.callback(*receiver.next())["event_type"] == "REFUND.SUCCESS"
    status, text = pay.query_refund(back)
    assert (status, json.loads(text)["status"]) == (200, "SUCCESS")
    status, text = pay.abnormal_refund(
        asked["refund_id"], back, "USER_BANK_CARD", "ICBC_DEBIT", "6222020000000000000", "张三"
    )
    assert (status, json.loads(text)["code"]) == (400, "INVALID_REQUEST"), "there is nothing abnormal about it"
