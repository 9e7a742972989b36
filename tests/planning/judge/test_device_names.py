"""Devices of foreign tables: the row of the book that is meant, or none."""

from __future__ import annotations

import pytest

from planner.inputs.books import load_books
from planner.planning.judge.device_names import device_names

DEVICES = device_names(load_books().hardware)


@pytest.mark.parametrize(
    ("name", "device"),
    [
        ("h100_sxm", "h100-sxm"),
        ("NVIDIA H100-SXM-80GB", "h100-sxm"),
        ("NVIDIA H100 80GB HBM3", "h100-sxm"),
        ("A100-SXM-40GB", "a100-40-sxm"),
        ("A100 80GB", "a100-80-sxm"),
        ("NVIDIA H200-SXM-141GB-CTS", "h200-sxm"),
        ("AMD Radeon RX 7900 XT", "rx-7900-xt"),
        ("Intel 265K Custom PC (Nvidia RTX 4070 Ti)", "rtx-4070-ti"),
        ("Pi CM5 - 16GB (Nvidia RTX 40901)", "rtx-4090"),
        ("Ryzen 9 7950X (Nvidia 4070 Ti Super)", "rtx-4070-ti-super"),
        ("M1 Ultra (48 GPU Core) 64GB", "apple-m1-ultra-48c"),
        ("Dell Pro Max with GB10 (Nvidia Spark)", "dgx-spark"),
        ("NVIDIA GeForce RTX 3080 12GB", "rtx-3080-12"),
        ("h20", "h20-sxm"),
        ("H800", "h800-sxm"),
        ("GH200-480GB", "gh200-96"),
        ("GB300-NVL", "gb300"),
        ("V100-SXM2-32GB", "v100-sxm2-32"),
        ("Jetson Orin Nano 8GB", "jetson-orin-nano"),
        ("RTX 4070 SUPER", "rtx-4070-super"),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", "rtx-4090-laptop"),
        ("Pi 5 - 8GB (AMD RX 6500 XT1)", "rx-6500-xt"),
        ("Orange Pi 5", "orange-pi-5"),
        ("Quadro RTX 6000", "quadro-rtx-6000"),
        ("NVIDIA RTX 6000 Ada Generation", "rtx-6000-ada"),
        ("NVIDIA TITAN RTX", "titan-rtx"),
        ("l40s_pcie", "l40s"),
        ("h100_pcie", "h100-pcie"),
        ("M3 Max 30-core GPU", "apple-m3-max-30c"),
        ("M2 Ultra (60-core GPU)", "apple-m2-ultra-60c"),
        ("Mac mini M4 Pro (14-core CPU)", "apple-m4-pro-20c"),
        # No such device in the book, however alike the name is.
        ("RTX 3040", None),
        ("RTX 6000", None),  # of Turing, Ada or Blackwell
        ("Quadro P5000", None),
        ("b200_pcie", None),
        ("Raspberry Pi CM5 Cluster (10x 16GB)", None),
        ("NVIDIA H100 80GB HBM3 MIG 3g.40gb", None),
        ("RTX 5090 Laptop GPU", None),
        ("RTX 3060 8GB", None),
        ("Apple M9 Max", None),
        ("Pi 5 - 8GB (AMD RX 6300 XT1)", None),
        ("NVIDIA GeForce RTX 3090|NVIDIA RTX A4000", None),
        ("A10G or L4 24GB", None),
        ("not stated", None),
    ],
)
def test_a_device_is_found_or_not_known(name: str, device: str | None) -> None:
    assert DEVICES.find(name) == device
