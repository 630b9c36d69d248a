// dst[i] = x[i] after turns rounds of a mixing that nothing shortens: a kernel as slow as one likes, over the same bytes.
#version 450
layout(local_size_x = 64) in;
layout(constant_id = 0) const uint turns = 1;
layout(set = 0, binding = 0) readonly buffer X { uint x[]; };
layout(set = 0, binding = 1) writeonly buffer Dst { uint dst[]; };

void main() {
  uint i = gl_GlobalInvocationID.x, v = x[i];
  for (uint turn = 0; turn < turns; turn++) v = (v ^ (v >> 15)) * 2246822519u + turn;
  dst[i] = v;
}
