// The image pool (Shrivastava et al. 2017; CycleGAN section 4): a discriminator sees a history of fakes. For each new image
// n, in order, the host has decided {action, slot}:
//   keep   return it unstored           out[n] = fake[n]
//   store  put it in a free slot        out[n] = slot = fake[n]
//   swap   exchange it for a stored one out[n] = slot, slot = fake[n]
//
// The pool lies in blocks, one dispatch each; a dispatch does the images whose slot is in its block, and the first block's
// also those kept. An invocation owns one vec4 of every image and slot, so that a batch behaves as its images one by one.
//
// Bindings: 0 fake and 2 out [N, image] vec4, 1 decisions [N] {action, slot}, 3 the block [slots, image] vec4.
// Push constants: see poolPush in kernels/pool.go.
#version 450

const uint KEEP = 0, STORE = 1;

layout(local_size_x = 64) in;
layout(set = 0, binding = 0, std430) readonly buffer Fake { vec4 fake[]; };
layout(set = 0, binding = 1, std430) readonly buffer Decisions { uvec2 decisions[]; };
layout(set = 0, binding = 2, std430) writeonly buffer Out { vec4 result[]; };
layout(set = 0, binding = 3, std430) buffer Block { vec4 block[]; };
layout(push_constant) uniform Push {
    uint batch;
    uint image; // vec4 an image
    uint first; // slot of the block
    uint slots; // in the block
};

void main() {
    uint i = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * gl_WorkGroupSize.x + gl_LocalInvocationIndex;
    if (i >= image) return;
    for (uint n = 0; n < batch; n++) {
        uint action = decisions[n].x, slot = decisions[n].y - first;
        if (action == KEEP ? first > 0 : slot >= slots) continue;
        vec4 now = fake[n * image + i], then = now;
        if (action != KEEP) {
            uint at = slot * image + i;
            if (action != STORE) then = block[at];
            block[at] = now;
        }
        result[n * image + i] = then;
    }
}
