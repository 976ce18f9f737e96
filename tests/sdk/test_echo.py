"""The self-test of a merchant's keys and notify address (wire §1.11)."""

import json

from support import sdk
from wechatpayv3.type import RequestType

ECHO = "/v3/security/echo"


def ask(pay, **body):
    status, text = pay._core.request(ECHO, method=RequestType.POST, data=body, cipher_data=True)
    assert status == 200, text
    return json.loads(text)


def test_an_encrypted_message_goes_there_and_back(server):
    pay = sdk(server)
    answer = ask(pay, echo_message="明文", encrypted_echo_message=pay._core.encrypt("暗号 42"))
    assert answer["echo_message"] == "明文"
    assert pay._core.decrypt(answer["encrypted_echo_message"]) == "暗号 42"


def test_an_echo_reaches_the_notify_address_and_is_acknowledged(server, receiver):
    receiver.statuses.put(500)
    pay = sdk(server)
    answer = ask(pay, notify_url=receiver.url, echo_message="明文", encrypted_echo_message=pay._core.encrypt("暗号"))
    first_headers, first_body = receiver.next()
    first = pay.callback(first_headers, first_body)
    assert first, "the SDK refused the notification's signature"
    assert first["event_type"] == "SECURITY_ECHO.SUCCESS"
    assert first["resource"] == answer, "the notification says what was answered"
    second_headers, second_body = receiver.next(patience_s=40)
    second = pay.callback(second_headers, second_body)
    assert second["id"] == first["id"] and second["resource"] == answer
    assert second_headers["Wechatpay-Nonce"] != first_headers["Wechatpay-Nonce"]
