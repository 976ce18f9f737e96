"""Errors the SDK meets: the documented code, its HTTP status, and nothing changed (wire §1.5, §3.7)."""

import json
import time

import pytest
import raw
from support import number, order, place, sdk
from wechatpayv3 import WeChatPayType


def test_r_fin_61_a_wrong_key_is_answered_with_what_the_server_verified(server):
    pay = sdk(server)
    pay._core._private_key = raw.foreign_key()
    mine = number("key")
    status, refused = place(pay, mine)
    assert (status, refused["code"]) == (401, "SIGN_ERROR")
    detail = refused["detail"]
    assert detail["field"] == "signature"
    assert detail["location"] == "authorization"
    information = detail["sign_information"]
    assert information["method"] == "POST"
    assert information["url"] == "/v3/pay/transactions/native"
    assert information["truncated_sign_message"].startswith("POST\n/v3/pay/transactions/native\n")
    assert information["sign_message_length"] > len(mine)
    assert sdk(server).query(out_trade_no=mine)[0] == 404


@pytest.mark.parametrize("seconds", [-3600, -301, 301, 3600])
def test_a_clock_that_is_off_by_more_than_five_minutes_is_refused(server, monkeypatch, seconds):
    real = time.time
    monkeypatch.setattr("wechatpayv3.utils.time.time", lambda: real() + seconds)
    status, refused = place(sdk(server))
    assert (status, refused["code"]) == (401, "SIGN_ERROR")


@pytest.mark.parametrize("seconds", [-240, 240])
def test_a_clock_that_is_a_little_off_is_accepted(server, monkeypatch, seconds):
    real = time.time
    monkeypatch.setattr("wechatpayv3.utils.time.time", lambda: real() + seconds)
    assert place(sdk(server))[0] == 200


def test_an_unknown_certificate_is_refused(server):
    status, refused = place(sdk(server, cert_serial_no="1" * 40))
    assert (status, refused["code"]) == (401, "SIGN_ERROR")


def test_a_serial_in_lower_case_is_the_same_serial(server):
    assert place(sdk(server, cert_serial_no=server.sandbox["merchant_serial_no"].lower()))[0] == 200


def test_a_foreign_appid_is_refused(server):
    status, refused = place(sdk(server, appid="wx0000000000000bad"))
    assert (status, refused["code"]) == (400, "APPID_MCHID_NOT_MATCH")


def test_an_order_for_another_merchant_is_refused(server):
    mine = number("mch")
    status, text = sdk(server).pay(description="tea", out_trade_no=mine, amount={"total": 1}, mchid="1900000999")
    assert status in (400, 401, 403), text
    assert json.loads(text)["code"] in ("PARAM_ERROR", "INVALID_REQUEST", "MCH_NOT_EXISTS", "NO_AUTH",
                                        "SIGN_ERROR", "APPID_MCHID_NOT_MATCH")
    assert sdk(server).query(out_trade_no=mine)[0] == 404


TOO_LONG = {
    "description": ("茶" * 128, "/description"),
    "attach": ("a" * 129, "/attach"),
    "goods_tag": ("g" * 33, "/goods_tag"),
    "notify_url": ("http://127.0.0.1:9/" + "n" * 240, "/notify_url"),
    "out_trade_no": ("n" * 33, "/out_trade_no"),
}


@pytest.mark.parametrize("field", TOO_LONG)
def test_a_field_over_its_limit_is_named(server, field):
    value, pointer = TOO_LONG[field]
    status, refused = place(sdk(server), **{field: value})
    assert (status, refused["code"]) == (400, "PARAM_ERROR")
    assert refused["detail"]["field"] == pointer
    assert refused["detail"]["location"] == "body"
    assert len(refused["message"]) <= 256


LONGEST = {
    "description": "茶" * 127,
    "attach": "a" * 128,
    "goods_tag": "g" * 32,
    "notify_url": "http://127.0.0.1:9/" + "n" * (255 - len("http://127.0.0.1:9/")),
}


@pytest.mark.parametrize("field", LONGEST)
def test_a_field_at_its_limit_is_taken(server, field):
    status, placed = place(sdk(server), **{field: LONGEST[field]})
    assert status == 200, placed


@pytest.mark.parametrize("bad", ["short", "has space", "has/slash", "中文订单号码", "semi;colon", "at@sign"])
def test_a_number_outside_the_alphabet_is_refused(server, bad):
    status, refused = place(sdk(server), bad)
    assert (status, refused["code"], refused["detail"]["field"]) == (400, "PARAM_ERROR", "/out_trade_no")


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "notify", "http://127.0.0.1:9/n?x=1", "http://"])
def test_a_notify_url_that_cannot_be_called_is_refused(server, url):
    status, refused = place(sdk(server), notify_url=url)
    assert (status, refused["code"], refused["detail"]["field"]) == (400, "PARAM_ERROR", "/notify_url")


def test_an_emoji_is_refused_because_it_takes_four_bytes(server):
    status, refused = place(sdk(server), description="tea 🍵")
    assert (status, refused["code"], refused["detail"]["field"]) == (400, "PARAM_ERROR", "/description")


def test_an_openid_of_another_application_is_refused(server):
    status, refused = place(sdk(server, WeChatPayType.JSAPI), payer={"openid": "oNobodyKnowsThisOpenidAtAll0"})
    assert (status, refused["code"]) in ((500, "OPENID_MISMATCH"), (400, "PARAM_ERROR"))


def test_a_deadline_in_the_past_becomes_a_minute_and_a_far_one_ninety_days(server):
    for expire in ("2020-01-01T00:00:00+08:00", "2099-01-01T00:00:00.123Z"):
        mine = number("late")
        assert place(sdk(server), mine, time_expire=expire)[0] == 200, expire
        assert order(sdk(server), mine)["trade_state"] == "NOTPAY"
    status, refused = place(sdk(server), time_expire="tomorrow")
    assert (status, refused["detail"]["field"]) == (400, "/time_expire")


def test_messages_come_in_the_language_asked_for(server):
    """`Accept-Language` picks the language of `message`; Chinese is the default (wire §1.2)."""
    def message(language):
        return raw.send(server, b"{}", headers={"Accept-Language": language}).json()["message"]
    assert message("en").isascii()
    assert not message("zh-CN").isascii()
    assert message("fr") == message("zh-CN")


def test_every_answer_has_a_request_id_of_its_own(server):
    ids = {raw.send(server, b"{}").headers["Request-ID"] for _ in range(3)}
    assert len(ids) == 3


def test_an_address_that_does_not_exist_is_not_found(server):
    body = raw.send(server, b"", method="GET", target="/v3/pay/transactions/nowhere")
    assert (body.status_code, body.json()["code"]) == (404, "NOT_FOUND")
