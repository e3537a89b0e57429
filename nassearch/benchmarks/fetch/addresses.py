"""The addresses of the published files, by benchmark."""

from __future__ import annotations

from dataclasses import dataclass

DRIVE = "https://drive.usercontent.google.com/download?id={}&export=download&confirm=t"
"""What Google Drive serves a large file from, past the page that warns that it is not scanned for viruses."""
ASR = "https://github.com/SamsungLabs/nb-asr/releases/download/v1.1.0/{}"
MACRO = "https://github.com/xiusu/NAS-Bench-Macro/raw/61a2bfc2ca0dce04d0997e6cf498047c27d6acf2/data/{}"
NLP = "https://github.com/fmsnew/nas-bench-nlp-release/raw/master/{}/logs.zip"
TENSORFLOW = "https://storage.googleapis.com/nasbench/{}"


@dataclass(frozen=True)
class Address:
    """One published file.

    Attributes:
        file: what it is called.
        url: where it is.
        about: its size, in words, as far as it was published; the server tells the exact one.
        checksum: `"md5:"` or `"sha256:"` and hexadecimal digits; "" where none was published.
        note: whose it is, and under which licence.
        wanted: whether it is fetched where no file is named.
    """

    file: str
    url: str
    about: str = ""
    checksum: str = ""
    note: str = ""
    wanted: bool = True


# Gathered from the public pages of the authors; none could be tried from where this was written.
_DXY = "Xuanyi Dong and others, MIT"
_GOOGLE = "Google Research, Apache-2.0"
_SAMSUNG = "Samsung, no licence file"
_KLYUCHNIKOV = "Klyuchnikov and others, Apache-2.0"

ADDRESSES: dict[str, tuple[Address, ...]] = {
    "nasbench201": (
        Address(
            "NATS-tss-v1_0-3ffb9-simple.tar", DRIVE.format("17_saCsj_krKjlCBLOJEpNtzPXArMCqxU"), note=_DXY
        ),
        Address(
            "NAS-Bench-201-v1_1-096897.pth",
            DRIVE.format("16Y0UwGisiouVRxW-W5hEtbxmcHw_0hF_"),
            "4.7 GB",
            "md5:55e847143ce1f7c2d89b676f6b096897",
            _DXY,
            wanted=False,
        ),
    ),
    "nats-size": (
        Address(
            "NATS-sss-v1_0-50262-simple.tar", DRIVE.format("1scOMTUwcQhAMa_IMedp9lTzwmgqHLGgA"), note=_DXY
        ),
    ),
    "nasbench101": (
        Address(
            "nasbench_only108.tfrecord",
            TENSORFLOW.format("nasbench_only108.tfrecord"),
            "499 MB",
            "sha256:4c39c3936e36a85269881d659e44e61a245babcb72cb374eacacf75d0e5f4fd1",
            _GOOGLE,
        ),
        Address(
            "nasbench_full.tfrecord",
            TENSORFLOW.format("nasbench_full.tfrecord"),
            "1.95 GB",
            "sha256:3d64db8180fb1b0207212f9032205064312b6907a3bbc81eabea10db2f5c7e9c",
            _GOOGLE,
            wanted=False,
        ),
    ),
    "nasbench-asr": tuple(
        Address(name, ASR.format(name), note=_SAMSUNG, wanted="e40" in name)
        for name in (
            "nb-asr-e40-1234.pickle",
            "nb-asr-e40-1235.pickle",
            "nb-asr-e40-1236.pickle",
            "nb-asr-e10-1234.pickle",
            "nb-asr-e5-1234.pickle",
        )
    ),
    "nasbench-macro": (
        Address(
            "nas-bench-macro_cifar10.json",
            MACRO.format("nas-bench-macro_cifar10.json"),
            "1.2 MB",
            "md5:4b3d0dc7a8b12f1679dd02264c0d9a58",
            "Xiu Su and others, Apache-2.0",
        ),
    ),
    "nasbench-nlp": tuple(
        Address(f"{folder}.zip", NLP.format(folder), note=_KLYUCHNIKOV, wanted=wanted)
        for folder, wanted in (
            ("train_logs_single_run", True),
            ("train_logs_multi_runs", False),
            ("train_logs_wikitext-2", False),
        )
    ),
}
