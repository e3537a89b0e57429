"""Layers that torch does not have, as classes of a written file."""

from __future__ import annotations

CHANNEL_NORM = '''
class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of each frame."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(1, 2)).transpose(1, 2)
'''
FRAME_LSTM = '''
class FrameLSTM(nn.LSTM):
    """An LSTM over frames with one bias per gate: the weights of an input that is 1."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels + 1, out_channels, bias=False, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        frames = functional.pad(x.transpose(1, 2), (0, 1), value=1.0)
        states, _ = super().forward(frames)
        x = states.transpose(1, 2)
        return x
'''
SNIPPETS = {"ChannelNorm(": CHANNEL_NORM, "FrameLSTM(": FRAME_LSTM}
"""By what of the code calls for them."""


def needed(lines: list[str]) -> list[str]:
    """Return the lines of the classes that other lines use."""
    text = "\n".join(lines)
    found = [snippet for call, snippet in SNIPPETS.items() if call in text]
    return [line for snippet in found for line in ["", *snippet.rstrip("\n").split("\n")]]
