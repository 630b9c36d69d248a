// What the normalisation kernels share: which vec4 a lane works on.
//
// x is [groups][pixels][quads] vec4: a group of images is normalised together, a quad is 4 channels. Workgroups: x is a chunk of
// the group's pixels, y is WIDTH quads, z is the group. Within one, WIDTH neighbouring lanes take the quads of one pixel, so that
// they read neighbouring bytes, and each lane keeps its quad, so that it loads the channels' statistics once.

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint ACTIVATION = 0u;
layout(constant_id = 1) const uint WIDTH = 1u; // a power of two

layout(push_constant) uniform Shape {
    uint pixels;   // of a group
    uint quads;    // of a pixel
    uint chunk;    // pixels of a workgroup
    uint channels; // without padding
    float eps;
};

uint quad() { return gl_WorkGroupID.y * WIDTH + gl_LocalInvocationIndex % WIDTH; }

bool hasQuad() { return quad() < quads; }

// A lane's vec4: for (uint at = first; at < end; at += step).
struct Span {
    uint first, end, step;
};

Span span() {
    uint start = gl_WorkGroupID.x * chunk;
    uint end = (gl_WorkGroupID.z * pixels + min(start + chunk, pixels)) * quads;
    uint first = (gl_WorkGroupID.z * pixels + start + gl_LocalInvocationIndex / WIDTH) * quads + quad();
    return Span(hasQuad() ? first : end, end, gl_WorkGroupSize.x / WIDTH * quads);
}

// Where the first of two rows [group][2][quads] keeps the lane's quad; the second is quads further.
uint row() { return gl_WorkGroupID.z * 2u * quads + min(quad(), quads - 1u); }
