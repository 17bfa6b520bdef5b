"""Deliveries over TLS, a connection each: with whole handshakes, and with resumed ones.

    python -m benchmarks.tls [--quick] [--hosts N] [--events N]

Five events, one after the other, go to 1,000 hosts, each with a certificate of its own, that close the connection
after their answer. So every delivery needs a handshake, as it does where a host hears of us seldom. The first time the
receivers give no tickets and every handshake is whole; the second time they give some with each, and a client that
keeps its sessions may resume them (RFC 8446 section 2.2); the event by which it gets the first is not counted. The
baseline is aiohttp on uvloop with the same authority, and whole handshakes; receivers' costs are not counted. The
authority is one of the benchmark's own, which both trust by ``SSL_CERT_FILE``. Results are the CPU of each delivery,
its ratio (bare by durable), and how many handshakes the receivers saw resumed.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks._authority import make_authority
from benchmarks._measuring import Cost, measured, options
from benchmarks._peers import environment, peer
from benchmarks._receivers import host
from benchmarks._service import Service, installation, service

WORKERS = 64
PATIENCE = 600.0


async def measure(hosts: int, number: int) -> None:
    """Print what the baseline costs, and what a delivery costs with either kind of handshake."""
    print(f"tls: {number} events to {hosts:,} hosts, a connection for each delivery")
    with tempfile.TemporaryDirectory() as folder, environment(SSL_CERT_FILE=str(make_authority(Path(folder)))):
        theirs = await _round(Path(folder), hosts, number, resuming=False, baseline=None)
        await _round(Path(folder), hosts, number, resuming=True, baseline=theirs)


async def _round(folder: Path, hosts: int, number: int, *, resuming: bool, baseline: float | None) -> float:
    """One kind of receivers; returns the CPU seconds of the baseline, which is measured where it is not given."""
    count = hosts * number
    addresses = [host(1, one) for one in range(hosts)]
    async with peer("_receivers") as receivers:
        port = await receivers.call("encrypted", folder, addresses, resuming)
        urls = [f"https://{address}:{port}/fast" for address in addresses]
        if baseline is None:
            async with peer("_bare") as bare:
                baseline = Cost(*await bare.call("post", urls, number, WORKERS)).cpu
            whole, resumed = await receivers.call("handshakes")
            print(f"  {'bare':22} {baseline / count * 1e6:6,.0f} µs of CPU   {whole:,} handshakes, {resumed:,} resumed")
        async with installation(folder, {"tls": urls}) as made, service(made) as running:
            await _one_event(running, hosts)
            await receivers.call("handshakes")
            before = await running.cpu()
            for _ in range(number):
                await _one_event(running, hosts)
            spent = await running.cpu() - before
        whole, resumed = await receivers.call("handshakes")
    name = "durable, resumable" if resuming else "durable, new each"
    print(
        f"  {name:22} {spent / count * 1e6:6,.0f} µs of CPU   {whole:,} handshakes, {resumed:,} resumed"
        f"   bare / durable: {baseline / spent:.2f}",
        flush=True,
    )
    return baseline


async def _one_event(running: Service, hosts: int) -> None:
    await running.prepare("tls", 1)
    appended = await running.append()
    found = await running.until(appended.seqs, hosts, "delivered", "retrying", "dead")
    if found.get("delivered", 0) != hosts:
        raise SystemExit(f"{found} of {hosts}")


def main() -> None:
    parser = options(__doc__, "20 hosts")
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--events", type=int, default=5)
    given = parser.parse_args()
    measured(measure(20 if given.quick else given.hosts, given.events))


if __name__ == "__main__":
    main()
