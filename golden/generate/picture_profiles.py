"""Pictures with colour profiles, and the numbers that Pillow reads from them.

Usage: picture_profiles.py OUTDIR with Pillow 13.0.0. OUTDIR gets profile_broken.jpg (what claims to be a profile is none), profile_other.jpg
(sRGB with red and blue swapped) and profile.bin, the RGB numbers of both: Pillow leaves profiles alone, and so do processors of models.
"""
import io
import pathlib
import struct
import sys

from PIL import Image, ImageCms

OUT = pathlib.Path(sys.argv[1])


def swapped():
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack(">I", profile[128:132])[0]
    entries = {bytes(profile[132 + 12 * i:136 + 12 * i]): 132 + 12 * i for i in range(count)}
    red, blue = entries[b"rXYZ"], entries[b"bXYZ"]
    profile[red + 4:red + 12], profile[blue + 4:blue + 12] = profile[blue + 4:blue + 12], profile[red + 4:red + 12]
    profile[24:36] = bytes(12)  # the date of its making
    return bytes(profile)


def main():
    image = Image.new("RGB", (28, 28))
    for y in range(28):
        for x in range(28):
            image.putpixel((x, y), (9 * x, 9 * y, 255 - 5 * (x + y) % 256 if x + y < 51 else 0))
    numbers = set()
    for name, profile in (("plain", None), ("broken", b"no profile at all" * 20), ("other", swapped())):
        file = io.BytesIO()
        image.save(file, "jpeg", quality=92, subsampling=0, **({"icc_profile": profile} if profile else {}))
        numbers.add(Image.open(io.BytesIO(file.getvalue())).convert("RGB").tobytes())
        if profile:
            (OUT / f"profile_{name}.jpg").write_bytes(file.getvalue())
    (OUT / "profile.bin").write_bytes(*numbers)


if __name__ == "__main__":
    main()
