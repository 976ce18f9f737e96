"""The server under test, a merchant's notification address, and the SDK pointed at the server."""

import json
import os
import queue
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests
from wechatpayv3 import WeChatPay, WeChatPayType

# A debug build on a busy machine must answer by then; every request of ours is bounded by it.
PATIENCE_S = 30
ROOT = Path(__file__).resolve().parents[2]


def binary() -> Path:
    """The program under test: FEIQIAN_BIN, or the debug build."""
    path = Path(os.environ.get("FEIQIAN_BIN", ROOT / "target/debug/feiqian"))
    if not path.is_file():
        raise FileNotFoundError(f"no program at {path}; run 'cargo build' first, or set FEIQIAN_BIN")
    return path


# Empty databases, one for each server of a run on PostgreSQL; none when the stores are files.
_databases = iter(os.environ.get("FEIQIAN_TEST_DATABASES", "").split())
_database_of: dict[str, str] = {}


def environment(data: str) -> dict[str, str]:
    """The environment of programs that work on a data directory: it names the database that belongs to it, if one does."""
    database = _database_of.get(data)
    return {**os.environ, "FEIQIAN_DATABASE": database} if database else dict(os.environ)


def feiqian(*arguments: str) -> subprocess.CompletedProcess:
    """Runs the program to its end."""
    data = arguments[arguments.index("--data") + 1] if "--data" in arguments else ""
    return subprocess.run(
        [binary(), *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, env=environment(data),
    )


class Server:
    """`feiqian serve` on a fresh sandbox and a free loopback port."""

    def __init__(self):
        self.data = Path(tempfile.mkdtemp(prefix="feiqian-sdk-"))
        if "FEIQIAN_TEST_DATABASES" in os.environ:
            _database_of[str(self.data)] = next(_databases)
        made = feiqian("sandbox", "init", "--data", str(self.data))
        assert made.returncode == 0, f"'feiqian sandbox init' failed:\n{made.stdout}{made.stderr}"
        self.sandbox = json.loads((self.data / "sandbox/merchant.json").read_text())
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.base_url = f"http://127.0.0.1:{port}"
        self.log = self.data / "server.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [binary(), "serve", "--data", str(self.data), "--listen", f"127.0.0.1:{port}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment(str(self.data)),
            )
        self._wait_until_up()

    def _wait_until_up(self):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"feiqian serve ended at once:\n{self.log.read_text()}")
            try:
                if requests.get(f"{self.base_url}/healthz", timeout=1).status_code == 200:
                    return
            except requests.ConnectionError:
                time.sleep(0.02)
        raise RuntimeError(f"feiqian serve did not answer /healthz:\n{self.log.read_text()}")

    def stop(self):
        """Asks the server to stop and demands that it does so by itself."""
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(PATIENCE_S)
        finally:
            self.process.kill()
        assert status == 0, f"the server stopped with status {status}"

    def forget(self):
        """Ends what still runs and removes the data."""
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.data, ignore_errors=True)

    def pem(self, name: str) -> str:
        """The text of a key or certificate that merchant.json names."""
        return self.pem_of(self.sandbox, name)

    def pem_of(self, known: dict, name: str) -> str:
        """The text of a key or certificate that another file of the sandbox names."""
        return (self.data / "sandbox" / known[name]).read_text()

    def post(self, path: str, body: dict) -> requests.Response:
        """An unsigned POST, for the sandbox's own routes."""
        return requests.post(self.base_url + path, json=body, timeout=PATIENCE_S)

    def pay(self, openid: str | None = None, **link: str) -> requests.Response:
        """Pays as a payer: pay(code_url=…), pay(prepay_id=…) or pay(h5_url=…)."""
        return self.post("/sandbox/v1/payments", {"openid": openid or self.sandbox["payer_openid"], **link})

    def payment_code(self, openid: str | None = None) -> str:
        """The 18 digits a payer would show to a merchant's scanner."""
        answer = self.post("/sandbox/v1/payment-codes", {"openid": openid or self.sandbox["payer_openid"]})
        assert answer.status_code == 200, answer.text
        return answer.json()["auth_code"]

    def notifications(self, out_trade_no: str) -> list[dict]:
        """What the server sent, or means to send, for one order."""
        answer = requests.get(f"{self.base_url}/sandbox/v1/notifications", timeout=PATIENCE_S)
        assert answer.status_code == 200, answer.text
        listed = answer.json()
        if isinstance(listed, dict):
            listed = listed["notifications"]
        return [n for n in listed if n["out_trade_no"] == out_trade_no]

    def must_prove(self):
        """Demands that every invariant of money holds."""
        proved = feiqian("prove", "--data", str(self.data))
        assert proved.returncode == 0, f"'feiqian prove' failed:\n{proved.stdout}{proved.stderr}"


class Receiver:
    """A merchant's notification address on loopback. Keeps what comes; answers as told, else 204."""

    def __init__(self):
        self.came: queue.Queue = queue.Queue()
        self.statuses: queue.Queue = queue.Queue()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                receiver.came.put((dict(self.headers.items()), body))
                status = 204 if receiver.statuses.empty() else receiver.statuses.get()
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/notify"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def next(self, patience_s: float = PATIENCE_S) -> tuple[dict, str]:
        """The next notification: its headers and its body as text."""
        try:
            return self.came.get(timeout=patience_s)
        except queue.Empty:
            raise AssertionError(f"no notification came within {patience_s} s") from None

    def close(self):
        self.http.shutdown()
        self.http.server_close()


def number(prefix: str = "SDK") -> str:
    """A fresh out_trade_no."""
    return f"{prefix}_{secrets.token_hex(8)}"


def sdk(server: Server, pay_type: WeChatPayType = WeChatPayType.NATIVE, notify_url: str | None = None,
        cert_dir: Path | None = None, **changed) -> WeChatPay:
    """The unmodified SDK, in public-key mode unless `cert_dir` names a folder of platform certificates.

    The SDK has no option for the base URL; its private `_gate_way` is set after construction.
    """
    sandbox = server.sandbox
    settings = {
        "wechatpay_type": pay_type,
        "mchid": sandbox["mchid"],
        "appid": sandbox["appid"],
        "private_key": server.pem("merchant_private_key_path"),
        "cert_serial_no": sandbox["merchant_serial_no"],
        "apiv3_key": sandbox["apiv3_key"],
        # Nothing listens there: most tests ask, and do not wait to be told.
        "notify_url": notify_url or "http://127.0.0.1:9/notify",
        "timeout": PATIENCE_S,
    }
    if cert_dir is None:
        settings["public_key"] = server.pem("platform_public_key_path")
        settings["public_key_id"] = sandbox["platform_public_key_id"]
    else:
        settings["cert_dir"] = str(cert_dir)
    pay = WeChatPay(**{**settings, **changed})
    pay._core._gate_way = server.base_url
    return pay


def place(pay: WeChatPay, out_trade_no: str | None = None, total: int = 100, **more) -> tuple[int, dict]:
    """Places an order through the SDK: status and parsed answer."""
    fields = {"description": "两杯茶", "out_trade_no": out_trade_no or number(), "amount": {"total": total}}
    status, text = pay.pay(**{**fields, **more})
    return status, json.loads(text) if text else {}


def order(pay: WeChatPay, out_trade_no: str) -> dict:
    """The order as the server knows it."""
    status, text = pay.query(out_trade_no=out_trade_no)
    assert status == 200, text
    return json.loads(text)
