// The second half of image_pool.comp: stores the new images, in order, where the host has decided so. Where a guard word is set the
// pool keeps its bits. One dispatch a block, and an invocation owns one vec4 of every image and slot, as there.
//
// Bindings: 0 fake [N, image] vec4, 1 decisions [N] {action, slot}, 2 the block [slots, image] vec4, 3 guard words.
// Push constants: see poolStorePush in kernels/pool.go.
#version 450
#extension GL_GOOGLE_include_directive : require

const uint KEEP = 0u; // the other actions store

layout(std430, binding = 0) readonly buffer Fake { uvec4 fake[]; };
layout(std430, binding = 1) readonly buffer Decisions { uvec2 decisions[]; };
layout(std430, binding = 2) buffer Block { uvec4 block[]; };
layout(push_constant) uniform Push {
    uint batch;
    uint image; // vec4 an image
    uint first; // slot of the block
    uint slots; // in the block
    uint guards;
};

#define GUARD 3
#include "inc/guard.glsl"
#include "inc/flat.glsl"

void main() {
    uint i = flatIndex();
    if (i >= image || halted(guards)) return;
    for (uint n = 0u; n < batch; n++) {
        uint slot = decisions[n].y - first;
        if (decisions[n].x != KEEP && slot < slots) block[slot * image + i] = fake[n * image + i];
    }
}
