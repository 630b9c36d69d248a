// What the normalisation kernels share: which vec4 a lane works on.
//
// x is [groups][pixels][quads] vec4: a group of images is normalised together, a quad is 4 channels. Workgroups: x is a chunk of
// the group's pixels, y is width quads, z is the group. Within one, width neighbouring lanes take the quads of one pixel, so that
// they read neighbouring bytes, and each lane keeps its quad, so that it loads the channels' statistics once. Each row of lanes
// takes pixels that follow one another: lavapipe runs row after row, and so walks through memory in order.

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint ACTIVATION = 0u;

layout(push_constant) uniform Shape {
    uint pixels;     // of a group
    uint quads;      // of a pixel
    uint chunk;      // pixels of a workgroup
    uint widthShift; // width = 1 << widthShift
    uint channels;   // without padding
    float eps;
};

uint width() { return 1u << widthShift; }

uint laneRow() { return gl_LocalInvocationIndex >> widthShift; }

uint quad() { return gl_WorkGroupID.y * width() + (gl_LocalInvocationIndex & (width() - 1u)); }

bool hasQuad() { return quad() < quads; }

// Whether the lane writes what its workgroup found out about its quad.
bool isFirst() { return laneRow() == 0u && hasQuad(); }

// A lane's vec4: for (uint at = first; at < end; at += quads).
struct Span {
    uint first, end;
};

Span span() {
    uint start = gl_WorkGroupID.x * chunk;
    uint stop = min(start + chunk, pixels);
    uint rows = gl_WorkGroupSize.x >> widthShift;
    uint each = (chunk + rows - 1u) / rows;
    uint from = min(start + laneRow() * each, stop);
    uint base = gl_WorkGroupID.z * pixels;
    return Span((base + from) * quads + quad(), hasQuad() ? (base + min(from + each, stop)) * quads : 0u);
}

// The chunks of a group.
uint chunks() { return (pixels + chunk - 1u) / chunk; }

// Where the first of two rows [group][2][quads] keeps the lane's quad; the second is quads further.
uint row() { return gl_WorkGroupID.z * 2u * quads + min(quad(), quads - 1u); }

// The same in [group][chunk][2][quads].
uint chunkRow() { return (gl_WorkGroupID.z * chunks() + gl_WorkGroupID.x) * 2u * quads + quad(); }
