"""A picture of the first screen of a page of `nassearch report`, as the guide shows it; needs Chromium and playwright.

nassearch run rand --rounds 100 --budget 150 --out results/page/rand.jsonl
nassearch run ae --rounds 100 --budget 150 --out results/page/ae.jsonl
nassearch run ae --rounds 100 --budget 150 --warmup 1000 --scorer epsilon --out results/page/guided.jsonl
nassearch report results/page/*.jsonl -o results/page/page.html --baseline rand --title "Aging evolution, guided and not"
python experiments/papers/page.py results/page/page.html --out docs/figures/report.png
"""

from __future__ import annotations

import argparse
import io
import shutil
from pathlib import Path

from PIL import Image

WIDTH, HEIGHT, COLOURS = 1000, 1020, 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="a PNG")
    parser.add_argument("--dark", action="store_true")
    args = parser.parse_args()
    from playwright.sync_api import sync_playwright

    found = next(
        path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))
    )
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found, args=["--no-sandbox"])
        page = browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="dark" if args.dark else "light"
        )
        page.goto(args.page.resolve().as_uri())
        page.wait_for_selector(".plot .main-svg")
        picture = page.screenshot()
        browser.close()
    image = Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS)
    image.save(args.out, optimize=True)
    print(f"{args.out}: {args.out.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
