"""Random layers that enlarge an image, or undo that."""

from __future__ import annotations

from random import Random

from convmath.verification.draw import Fields, Place, each_axis, groups, kernels, strategy


@strategy("conv_transpose")
def conv_transpose(random: Random, place: Place) -> Fields:
    """Draw a transposed convolution: kernel below stride, dilation, crops and output paddings that are too large."""
    kernel, stride, dilation = (each_axis(random, place, 1, most) for most in (5, 4, 3))
    count = groups(random, place)
    most = [max(pair) + (random.random() < 0.05) for pair in zip(stride, dilation, strict=True)]
    crops = [[random.randint(0, 3), random.randint(0, 3)] for _ in range(place.rank)]
    return {
        "kernel_size": kernel,
        "stride": stride,
        "dilation": dilation,
        "padding": "same" if random.random() < 0.2 else crops,
        "output_padding": [random.randrange(each) for each in most],
        "groups": count,
        "out_channels": kernels(random, count),
        "bias": random.random() < 0.5,
    }


@strategy("upsample")
def upsample(random: Random, place: Place) -> Fields:
    """Draw an up-sampling by odd, even and broken factors, or to a size above or below."""
    fields: Fields = {"mode": random.choice(("nearest", "bilinear"))}
    if fields["mode"] == "bilinear":
        fields["align_corners"] = random.random() < 0.5
    style = random.random()
    if style < 0.25:
        return fields | {"scale_factor": each_axis(random, place, 1, 4)}
    if style < 0.5:
        return fields | {"scale_factor": [random.choice((2, "1/2", "3/2", "2/3", "5/4")) for _ in place.sizes]}
    return fields | {"size": [random.choice((1, size, 2 * size, random.randint(1, 20))) for size in place.sizes]}


@strategy("pixel_shuffle")
def pixel_shuffle(random: Random, place: Place) -> Fields:
    """Draw factors that make blocks of the channels, at times any."""
    factors = [1] * place.rank
    divisors = [each for each in (1, 2, 3, 4, 6) if place.channels % each == 0]
    factors[random.randrange(place.rank)] = random.choice(divisors)
    if random.random() < 0.2:
        factors = each_axis(random, place, 1, 3)
    return {"upscale_factor": factors}


@strategy("pixel_unshuffle")
def pixel_unshuffle(random: Random, place: Place) -> Fields:
    """Draw factors that divide the sizes, at times any."""
    if random.random() < 0.2:
        return {"downscale_factor": each_axis(random, place, 1, 3)}
    divisors = [[each for each in range(1, size + 1) if size % each == 0] for size in place.sizes]
    return {"downscale_factor": [random.choice(each) for each in divisors]}
