// dst[i] = seed + i * 2654435761
#version 450
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) writeonly buffer Dst { uint dst[]; };
layout(push_constant) uniform Push { uint seed; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i < dst.length()) dst[i] = seed + i * 2654435761u;
}
