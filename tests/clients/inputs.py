"""What the clients are given: sounds and pictures made here, the same on every machine."""

from __future__ import annotations

from typing import Any

import numpy as np

RATE = 16000
_VOWELS = ((730, 1090, 2440), (270, 2290, 3010), (570, 840, 2410), (300, 870, 2240))  # formants in Hz: a, i, o, u


def spoken(seconds: float = 4.0) -> np.ndarray:
    """[samples] f32 in [-1, 1]: vowels of a deep voice by turns (pulses through formants), with pauses; a little noise."""
    rng = np.random.default_rng(4)
    sound = rng.normal(0, 0.001, int(seconds * RATE))
    at, turn = RATE // 2, 0
    while at + RATE // 4 < len(sound):
        vowel = _vowel(_VOWELS[turn % len(_VOWELS)], 110 + 15 * (turn % 3), RATE // 4)
        sound[at : at + len(vowel)] += 0.5 * vowel
        turn += 1
        at += len(vowel) + (RATE // 2 if turn % 5 == 0 else RATE // 50)
    return sound.clip(-1, 1).astype(np.float32)


def _vowel(formants: tuple[int, ...], pitch: int, samples: int) -> np.ndarray:
    """Harmonics of `pitch`, each as loud as the formants near it let through, swelling and fading."""
    time = np.arange(samples) / RATE
    wave = np.zeros(samples)
    for harmonic in range(pitch, 4000, pitch):
        gain = sum(1 / (1 + ((harmonic - f) / 90) ** 2) for f in formants)
        wave += gain * np.sin(2 * np.pi * harmonic * time + harmonic)
    return wave / np.abs(wave).max() * np.hanning(samples) ** 0.3


def page(lines: list[str], size: tuple[int, int] = (640, 200)) -> Any:
    """A PIL image of black text on white."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(image)
    for i, line in enumerate(lines):
        pen.text((20, 15 + 55 * i), line, fill="black", font=ImageFont.load_default(36))
    return image
