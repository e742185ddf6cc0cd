"""A real headless Chromium, driven over its DevTools protocol: no driver, no further dependency.

`Browser.start` runs one in a folder of its own; `Tab` clicks, types, waits for what a person would see, and takes
pictures. What the page complained about (exceptions, console errors, blocked requests) is kept for the test to look at.
"""

import asyncio
import base64
import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
START_S = 30.0
SEEN_S = 30.0
LOOK_S = 0.05


def found() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    def __init__(self, process: "subprocess.Popen[bytes]", port: int, folder: Path) -> None:
        self._process = process
        self._port = port
        self.downloads = folder / "downloads"
        self._session = aiohttp.ClientSession()
        self._tabs: list[Tab] = []

    @classmethod
    async def start(cls, path: str, folder: Path) -> "Browser":
        profile = folder / "profile"
        (folder / "downloads").mkdir(parents=True)
        flags = (
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
        )
        quiet = (
            "--no-proxy-server",
            "--disable-background-networking",
            "--disable-component-update",
            "--mute-audio",
        )
        process = subprocess.Popen(
            [path, *flags, *quiet, "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        told = profile / "DevToolsActivePort"
        for _ in range(int(START_S / LOOK_S)):
            if told.exists() and "\n" in told.read_text():
                return cls(process, int(told.read_text().splitlines()[0]), folder)
            await asyncio.sleep(LOOK_S)
        process.kill()
        raise AssertionError("Chromium did not start")

    async def tab(self, width: int = 1280, height: int = 900, dark: bool = False) -> "Tab":
        async with self._session.put(f"http://127.0.0.1:{self._port}/json/new?about:blank") as reply:
            address = (await reply.json(content_type=None))["webSocketDebuggerUrl"]
        socket = await self._session.ws_connect(address, max_msg_size=0)
        tab = Tab(socket)
        self._tabs.append(tab)
        for domain in ("Page", "Runtime", "Log", "DOM"):
            await tab.call(f"{domain}.enable")
        await tab.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(self.downloads))
        await tab.look(width, height, dark)
        return tab

    async def stop(self) -> None:
        for tab in self._tabs:
            await tab.close()
        await self._session.close()
        self._process.terminate()
        await asyncio.to_thread(self._process.wait, 20)


class Tab:
    def __init__(self, socket: "aiohttp.ClientWebSocketResponse") -> None:
        self._socket = socket
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._number = 0
        self.complaints: list[str] = []
        self._reader = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        async for message in self._socket:
            told = json.loads(message.data)
            if "id" in told:
                self._asked.pop(told["id"]).set_result(told)
            else:
                self._note(told["method"], told["params"])

    def _note(self, method: str, params: Mapping[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.complaints.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")

    async def close(self) -> None:
        self._reader.cancel()
        await self._socket.close()

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        answer = self._asked[self._number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": self._number, "method": method, "params": params})
        told = await asyncio.wait_for(answer, SEEN_S)
        assert "error" not in told, (method, told)
        return told["result"]

    async def look(self, width: int, height: int, dark: bool) -> None:
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        still = {"name": "prefers-reduced-motion", "value": "reduce"}  # what moves cannot be clicked
        await self.call("Emulation.setEmulatedMedia", features=[scheme, still])

    async def go(self, url: str) -> None:
        await self.call("Page.navigate", url=url)

    async def value(self, expression: str) -> Any:
        """What JavaScript says; promises are waited for."""
        told = await self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    async def text(self, selector: str = "main") -> str:
        return await self.value(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    async def see(self, words: str, selector: str = "main", timeout_s: float = SEEN_S) -> str:
        """Waits until the words are to be read; the text they stand in."""
        shown = ""
        for _ in range(int(timeout_s / LOOK_S)):
            shown = await self.text(selector)
            if words in shown:
                return shown
            await asyncio.sleep(LOOK_S)
        raise AssertionError(f"{words!r} was not seen in {selector}; there is:\n{shown}\n{self.complaints}")

    async def click(self, words: str, selector: str = "button, a, label, summary") -> None:
        """Clicks what has this text or this name, where it is, with a real mouse event."""
        named = json.dumps(words)
        find = (
            f"[...document.querySelectorAll({json.dumps(selector)})].find((one) => one.checkVisibility() && "
            f"(one.textContent.trim() === {named} || one.getAttribute('aria-label') === {named}))"
        )
        place = await self.value(
            f"(() => {{ const one = {find}; if (!one) return null; one.scrollIntoView({{block: 'center', behavior: "
            "'instant'}); const box = one.getClientRects()[0]; return [box.x + box.width / 2, box.y + Math.min("
            "box.height / 2, 20)]; })()"
        )
        assert place, f"there is nothing to click called {words!r}:\n{await self.text('body')}"
        for kind in ("mousePressed", "mouseReleased"):
            await self.call(
                "Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1
            )

    async def type(self, selector: str, text: str) -> None:
        await self.value(f"document.querySelector({json.dumps(selector)}).focus()")
        await self.value("document.activeElement.select?.()")
        await self.call("Input.insertText", text=text)

    async def key(self, name: str) -> None:
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, "Space": 32}
        text = {"Enter": "\r", "Space": " "}.get(name, "")
        pressed = {
            "key": " " if name == "Space" else name,
            "code": name,
            "windowsVirtualKeyCode": codes[name],
        }
        await self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **pressed)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **pressed)

    async def choose_file(self, selector: str, path: Path) -> None:
        root = (await self.call("DOM.getDocument"))["root"]["nodeId"]
        node = (await self.call("DOM.querySelector", nodeId=root, selector=selector))["nodeId"]
        await self.call("DOM.setFileInputFiles", nodeId=node, files=[str(path)])

    async def picture(self, path: Path, whole: bool = True) -> None:
        told = await self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(told["data"]))
