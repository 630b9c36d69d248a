// x[i] += y[(i + shift) mod |y|] * 3 + 1, in place.
#version 450
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer X { uint x[]; };
layout(set = 0, binding = 1) readonly buffer Y { uint y[]; };
layout(push_constant) uniform Push { uint shift; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i < x.length()) x[i] += y[(i + shift) % y.length()] * 3u + 1u;
}
