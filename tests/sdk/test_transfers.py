"""Transfers to users (wire §8): asked for, confirmed, cancelled, in batches, notified; by the unmodified SDK.

Transfers leave settled money, so the platform's clock is moved to the next morning: a server of their own.
"""

import json
import secrets
import time

import pytest
import requests
from support import PATIENCE_S, Receiver, Server, place, sdk

REPORTS = [
    {"info_type": "活动名称", "info_content": "新会员有礼"},
    {"info_type": "奖励说明", "info_content": "注册会员抽奖一等奖"},
]


def alnum() -> str:
    """A fresh out_bill_no."""
    return f"T{secrets.token_hex(8)}"


def advance(server, seconds):
    moved = server.post("/sandbox/v1/clock", {"advance_seconds": seconds})
    assert moved.status_code == 200, moved.text


def until(ask, what):
    """Asks until the answer is something."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        found = ask()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {PATIENCE_S} s")


@pytest.fixture(scope="module")
def rich():
    """A server whose merchant has 5 000 yuan of settled money, less the fee."""
    running = Server()
    try:
        pay = sdk(running)
        _, placed = place(pay, total=5_000_00)
        payer = running.post("/sandbox/v1/payers", {"balance": 6_000_00, "appid": running.sandbox["appid"]}).json()
        paid = running.pay(openid=payer["openid"], code_url=placed["code_url"])
        assert paid.status_code == 200, paid.text
        advance(running, 24 * 3600)
        advance(running, 9 * 3600)

        def settled():
            proved = running.post("/sandbox/v1/clock", {"advance_seconds": 60})
            assert proved.status_code == 200
            return running_balance(running) > 0

        until(settled, "the day is settled")
        yield running
        running.must_prove()
        running.stop()
        running.must_prove()
    finally:
        running.forget()


def running_balance(server) -> int:
    pay = sdk(server)
    status, text = pay._core.request("/v3/merchant/fund/balance/BASIC")
    assert status == 200, text
    return json.loads(text)["available_amount"]


def payer(server) -> str:
    made = server.post("/sandbox/v1/payers", {"appid": server.sandbox["appid"]})
    assert made.status_code == 200, made.text
    return made.json()["openid"]


def transfer(pay, openid, amount=300, out_bill_no=None, **more):
    fields = {
        "out_bill_no": out_bill_no or alnum(),
        "transfer_scene_id": "1000",
        "openid": openid,
        "transfer_amount": amount,
        "transfer_remark": "新会员有礼",
        "user_recv_perception": "现金奖励",
        "transfer_scene_report_infos": REPORTS,
    }
    status, text = pay.mch_transfer_bills(**{**fields, **more})
    return status, json.loads(text)


def query(pay, **by):
    status, text = pay.mch_transfer_bills_query(**by)
    return status, json.loads(text)


def receive(server, bill):
    got = server.post("/sandbox/v1/transfers/confirm", {"transfer_bill_no": bill["transfer_bill_no"]})
    assert got.status_code == 200, got.text
    return got.json()


def test_a_transfer_waits_for_its_user_and_tells_its_end(rich):
    receiver = Receiver()
    try:
        pay, openid, number = sdk(rich, notify_url=receiver.url), payer(rich), alnum()
        status, made = transfer(pay, openid, out_bill_no=number, notify_url=receiver.url)
        assert status == 200, made
        assert made["state"] == "WAIT_USER_CONFIRM"
        assert made["package_info"]
        assert transfer(pay, openid, out_bill_no=number, notify_url=receiver.url) == (200, made)
        status, other = transfer(pay, openid, 301, out_bill_no=number, notify_url=receiver.url)
        assert (status, other["code"]) == (400, "INVALID_REQUEST")
        assert receive(rich, made)["state"] == "SUCCESS"
        status, done = query(pay, out_bill_no=number)
        assert status == 200, done
        assert done["mch_id"] == rich.sandbox["mchid"]
        assert (done["state"], done["openid"], done["transfer_amount"]) == ("SUCCESS", openid, 300)
        assert query(pay, transfer_bill_no=made["transfer_bill_no"]) == (200, done)
        headers, body = receiver.next()
        told = pay.callback(headers, body)
        assert told["event_type"] == "MCHTRANSFER.BILL.FINISHED"
        assert json.loads(body)["resource"]["original_type"] == "mch_payment"
        clear = told["resource"]
        assert (clear["mchid"], clear["out_bill_no"]) == (rich.sandbox["mchid"], number)
        assert (clear["state"], clear["transfer_amount"], clear["openid"]) == ("SUCCESS", 300, openid)
    finally:
        receiver.close()


def test_a_transfer_is_cancelled_before_the_user_confirms(rich):
    pay, openid = sdk(rich), payer(rich)
    before = running_balance(rich)
    status, made = transfer(pay, openid)
    assert status == 200, made
    assert running_balance(rich) == before - 300
    for _ in range(2):
        status, text = pay.mch_transfer_bills_cancel(made["out_bill_no"])
        assert status == 200, text
        assert json.loads(text)["state"] == "CANCELLED"
    assert running_balance(rich) == before
    status, made = transfer(pay, openid)
    receive(rich, made)
    status, text = pay.mch_transfer_bills_cancel(made["out_bill_no"])
    assert (status, json.loads(text)["code"]) == (400, "INVALID_REQUEST")
    status, nothing = query(pay, out_bill_no="NOSUCH")
    assert (status, nothing["code"]) == (404, "NOT_FOUND")


def test_a_large_transfer_names_its_user(rich):
    pay, openid = sdk(rich), payer(rich)
    with pytest.raises(Exception, match="user_name is not assigned"):  # by the SDK; the gateway's tests have its own
        transfer(pay, openid, 2_000_00)
    named = rich.post("/sandbox/v1/payers/name", {"openid": openid, "name": "王小明"})
    assert named.status_code == 200, named.text
    status, wrong = transfer(pay, openid, 2_000_00, user_name="李小红")
    assert (status, wrong["state"]) == (200, "FAIL"), wrong
    status, wrong = query(pay, out_bill_no=wrong["out_bill_no"])
    assert (wrong["state"], wrong["fail_reason"]) == ("FAIL", "NAME_NOT_CORRECT")
    status, made = transfer(pay, openid, 2_000_00, user_name="王小明")
    assert status == 200, made
    status, kept = query(pay, out_bill_no=made["out_bill_no"])
    assert pay.decrypt(kept["user_name"]) == "王小明"
    assert receive(rich, made)["state"] == "SUCCESS"


def test_what_a_scene_asks_for_is_checked(rich):
    pay, openid = sdk(rich), payer(rich)
    for more, status_wanted, code in [
        ({"transfer_scene_report_infos": REPORTS[:1]}, 400, "PARAM_ERROR"),
        ({"transfer_scene_id": "9999"}, 400, "PARAM_ERROR"),
        ({"user_recv_perception": "货款"}, 400, "INVALID_REQUEST"),
        ({"transfer_amount": 9}, 400, "INVALID_REQUEST"),
    ]:
        status, refused = transfer(pay, openid, **more)
        assert (status, refused["code"]) == (status_wanted, code), more


def test_a_batch_is_paid_without_confirmation(rich):
    pay, number = sdk(rich), alnum()
    users = [payer(rich) for _ in range(3)]
    details = [
        {"out_detail_no": f"D{place}", "transfer_amount": 100 + place, "transfer_remark": "七月工资", "openid": user}
        for place, user in enumerate(users)
    ]
    asked = dict(out_batch_no=number, batch_name="七月工资", batch_remark="七月工资", total_amount=303, total_num=3,
                 transfer_detail_list=details, transfer_scene_id="1005")
    status, text = pay.transfer_batch(**asked)
    assert status == 200, text
    made = json.loads(text)
    assert made["out_batch_no"] == number
    assert pay.transfer_batch(**asked) == (status, text)

    def finished():
        status, text = pay.transfer_query_out_batch_no(number)
        assert status == 200, text
        batch = json.loads(text)["transfer_batch"]
        return batch if batch["batch_status"] == "FINISHED" else None

    batch = until(finished, "the batch is paid")
    assert (batch["success_amount"], batch["success_num"], batch["fail_num"]) == (303, 3, 0)
    status, text = pay.transfer_query_batchid(made["batch_id"], need_query_detail=True)
    lines = json.loads(text)["transfer_detail_list"]
    assert [line["detail_status"] for line in lines] == ["SUCCESS"] * 3
    status, text = pay.transfer_query_detail_id(made["batch_id"], lines[1]["detail_id"])
    assert status == 200, text
    one = json.loads(text)
    assert (one["out_detail_no"], one["transfer_amount"], one["openid"]) == ("D1", 101, users[1])
    assert pay.transfer_query_out_detail_no("D1", number) == (status, text)


def test_a_batch_beyond_the_merchants_money_is_refused(rich):
    pay, user = sdk(rich), payer(rich)
    much = running_balance(rich) + 1
    details = [
        {"out_detail_no": f"D{place}", "transfer_amount": min(1_900_00, much - place * 1_900_00),
         "transfer_remark": "a", "openid": user}
        for place in range(-(-much // 1_900_00))
    ]
    status, text = pay.transfer_batch(alnum(), "a", "a", much, len(details), details)
    assert (status, json.loads(text)["code"]) == (403, "NOT_ENOUGH"), text


def test_a_transfer_that_nobody_confirms_comes_back(rich):
    pay, openid = sdk(rich), payer(rich)
    before = running_balance(rich)
    status, made = transfer(pay, openid)
    assert status == 200, made
    advance(rich, 24 * 3600)

    def ended():
        _, kept = query(pay, out_bill_no=made["out_bill_no"])
        return kept if kept["state"] == "FAIL" else None

    assert until(ended, "the transfer ends")["fail_reason"] == "OVERDUE_CLOSE"
    # Another day may have been settled meanwhile.
    assert running_balance(rich) >= before
    assert requests.get(f"{rich.base_url}/healthz", timeout=PATIENCE_S).status_code == 200
