"""A TCP proxy between the programs and what they depend on, that misbehaves when told: one process, several routes.

    with Proxy({"mysql": ("127.0.0.1", 3306)}) as proxy: proxy.port("mysql"); proxy.set("mysql", "latency", 0.2); proxy.heal()

Faults: latency S (each piece waits) · cut N (each new answer is cut after N bytes, then reset) · reset (all connections, and new ones at once) ·
blackhole (bytes vanish, nothing is closed) · trickle S (answers byte for byte, S apart) · refuse (no new connection)."""

import asyncio
import contextlib
import socket
import struct
import threading

PIECE = 65536
FAULTS = ("latency", "cut", "reset", "blackhole", "trickle", "refuse")


class Route:
    def __init__(self, name, target):
        self.name = name
        self.target = target
        self.fault = None
        self.value = 0
        self.writers = set()
        self.port = 0

    async def serve(self, reader, writer):
        if self.fault in ("reset", "refuse"):
            abort(writer)
            return
        try:
            up_reader, up_writer = await asyncio.open_connection(*self.target)
        except OSError:
            abort(writer)
            return
        self.writers |= {writer, up_writer}
        try:
            await asyncio.gather(self.pump(reader, up_writer, False), self.pump(up_reader, writer, True))
        finally:
            self.writers -= {writer, up_writer}
            for one in (writer, up_writer):
                one.close()

    async def pump(self, reader, writer, answer):
        passed = 0
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while data := await reader.read(PIECE):
                match self.fault:
                    case "latency":
                        await asyncio.sleep(self.value)
                    case "blackhole":
                        continue
                    case "cut" if answer and passed + len(data) > self.value:
                        writer.write(data[: max(0, int(self.value) - passed)])
                        await writer.drain()
                        abort(writer)
                        return
                    case "trickle" if answer:
                        for byte in data[:200]:
                            writer.write(bytes([byte]))
                            await writer.drain()
                            await asyncio.sleep(self.value)
                        data = data[200:]
                passed += len(data)
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(OSError, RuntimeError):
            writer.write_eof()


def abort(writer):
    """A reset instead of an orderly end."""
    with contextlib.suppress(OSError):
        sock = writer.get_extra_info("socket")
        if sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(Exception):
        writer.transport.abort()


class Proxy:
    def __init__(self, targets):
        self.routes = {name: Route(name, target) for name, target in targets.items()}
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        self.call(self.start())
        return self

    def __exit__(self, *_):
        self.call(self.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    def call(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    async def start(self):
        self.servers = []
        for route in self.routes.values():
            server = await asyncio.start_server(route.serve, "127.0.0.1", route.port)
            route.port = server.sockets[0].getsockname()[1]
            self.servers.append(server)

    async def stop(self):
        for server in self.servers:
            server.close()
        await self.drop(list(self.routes))

    async def drop(self, names):
        for name in names:
            for writer in list(self.routes[name].writers):
                abort(writer)

    def port(self, name):
        return self.routes[name].port

    def retarget(self, name, target):
        self.routes[name].target = target

    def set(self, name, fault, value=0):
        assert fault in FAULTS, fault
        route = self.routes[name]
        route.value, route.fault = value, fault
        if fault == "reset":
            self.call(self.drop([name]))

    def heal(self):
        """All routes are good again; connections that a fault left hanging are cut."""
        sick = [name for name, route in self.routes.items() if route.fault]
        for name in sick:
            self.routes[name].fault = None
        self.call(self.drop([name for name in sick]))
