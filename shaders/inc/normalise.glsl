// A sample as a network takes it: x = (v / most - 0.5) / 0.5 for a sample v of 8 or 16 bits, most being 255 or 65535: for 8 bits,
// bit for bit what torchvision's ToTensor and Normalize compute in fp32. Vulkan's division may be off by 2.5 units in the last place,
// so the quotient is made of integers: v / 65535 in binary is 0.vvv..., the 16 bits of v again and again. Behind the leading zeros, 24
// of them are the mantissa and the next one rounds; the digits never end, so there are no ties. Two v are enough: where they do not
// fill the mantissa, what is missing is lost in the subtraction. A byte v is as much as 257 v of 16 bits. What follows is one
// correctly rounded subtraction, since multiplications by powers of two are exact: x = 2 (v / most) - 1.

// 2 v / 65535 - 1.
float normalised(uint v) {
    if (v == 0u) return -1.0;
    uint zeros = 15u - uint(findMSB(v));
    uint digits = (v << 16 | v) << zeros;
    uint mantissa = (digits >> 8) + (digits >> 7 & 1u);
    return float(mantissa) * uintBitsToFloat((104u - zeros) << 23) - 1.0;
}

float normalisedByte(uint v) { return normalised(v * 257u); }
