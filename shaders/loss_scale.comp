// The loss scale of a training in fp16 (Micikevicius et al. 2018, section 3.2; torch.cuda.amp.GradScaler). Small gradients vanish in
// fp16 and large ones overflow, so losses hand on theirs times a scale, a power of two that follows what fits: it doubles after
// `interval` steps in a row without an overflow (0: never), and halves with each step whose gradients overflowed. Such a step is
// skipped: its words of the guard keep Adam from it. Where the scale would fall below 1, the gradients themselves are not finite:
// the first word of the guard is set, and nothing changes any more.
//
// This comes between the looking for overflows and Adam, and leaves 1 / scale for Adam.
//
// Bindings: 0 state (kernels.ScaleState), 1 guard words: of the end, of the losses, and those of this step's gradients.
// Push constants: guards, interval. One lane.
#version 450

layout(local_size_x = 1) in;
layout(std430, binding = 0) buffer State {
    float scale, inverse;
    uint good;    // steps in a row without an overflow
    uint skipped; // steps
};
layout(std430, binding = 1) buffer Guard { uint guard[]; };
layout(push_constant) uniform Push { uint guards, interval; };

const uint GUARD_STEP = 64u; // vk.Alignment in words
const float MOST = 16777216.0;

void main() {
    if (guard[0] != 0u || guard[GUARD_STEP] != 0u) return;
    bool overflow = false;
    for (uint i = 2u; i < guards; i++) overflow = overflow || guard[i * GUARD_STEP] != 0u;
    inverse = 1.0 / scale;
    if (!overflow) {
        good++;
        if (good == interval) {
            good = 0u;
            scale = min(2.0 * scale, MOST);
        }
    } else if (scale >= 2.0) {
        scale *= 0.5;
        good = 0u;
        skipped++;
    } else {
        guard[0] = 1u;
    }
}
