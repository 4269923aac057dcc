"""A worker for Berth with whatsmeow, as the package neonize carries it."""

from importlib.metadata import version

from berth_worker import serve

from device import Device

# What neonize loads that may be shared, and not neonize itself: a Go program does not outlive a fork.
PRELOAD = ["cryptography.hazmat.primitives.ciphers.aead", "google.protobuf.internal.builder", "httpx", "linkpreview", "magic"]
PRELOAD += ["phonenumbers", "PIL.Image", "PIL.ImageSequence", "requests", "segno", "tqdm"]

if __name__ == "__main__":
    serve(Device, library="whatsmeow", version=version("neonize"), capacity=50, preload=PRELOAD)
