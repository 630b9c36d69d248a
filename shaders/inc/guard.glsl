// For kernels that change what a training keeps: they change nothing where a guard word is set (kernels/finite.go).
// The including shader defines GUARD, the binding. One word every 256 bytes.
layout(std430, binding = GUARD) readonly buffer Guard { uint guard[]; };

const uint GUARD_STEP = 64u; // vk.Alignment in words

bool halted(uint guards) {
    for (uint i = 0u; i < guards; i++) {
        if (guard[i * GUARD_STEP] != 0u) return true;
    }
    return false;
}
