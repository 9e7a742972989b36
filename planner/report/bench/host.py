"""``planner doctor`` on the screen."""

from __future__ import annotations

from rich.markup import escape

from planner.report.numbers import UNKNOWN, gib
from planner.report.screen import grid, render
from planner.specs.measured.host import HostFacts


def host_table(host: HostFacts, *, width: int, color: bool) -> str:
    """Lay out the machine, its GPUs and what is installed, with the install line of what is not."""
    machine, rate_bytes_per_s = host.machine, host.memory_bandwidth_bytes_per_s
    hardware = grid("machine", "", left=2)
    hardware.add_row("processor", f"{machine.cpu}, {machine.cpu_count} usable cores")
    hardware.add_row("memory", gib(machine.memory_bytes))
    rate = UNKNOWN if rate_bytes_per_s is None else f"{rate_bytes_per_s / 1e9:.1f} GB/s"
    hardware.add_row("memory bandwidth", f"{rate} (one thread, copy, measured)")
    hardware.add_row("system", f"{machine.system}, Python {machine.python}")
    for gpu in host.gpus:
        used = f"{gib(gpu.memory_used_bytes)} of {gib(gpu.memory_bytes)} used"
        hardware.add_row(f"GPU {gpu.index}", f"{gpu.name}, {used}, driver {gpu.driver}")
    if host.gpu_note:
        hardware.add_row("GPU", f"none: {escape(host.gpu_note)}")
    installed = grid("extra", "version", "for", left=3)
    for extra in host.extras:
        installed.add_row(extra.name, extra.version or "not installed", extra.purpose)
    missing = [f"{extra.name}: {escape(extra.install)}" for extra in host.extras if not extra.version]
    lines = ["", "to install what is missing:", *(f"  {line}" for line in missing)] if missing else []
    return render(hardware, "", installed, *lines, width=width, color=color)
