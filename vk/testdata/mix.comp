// dst[i] = a[(i + shift) mod |a|] * factor + (b[(i + shift) mod |b|] xor i): each invocation reads what other workgroups wrote.
#version 450
layout(local_size_x = 64) in;
layout(constant_id = 0) const uint factor = 1;
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) readonly buffer B { uint b[]; };
layout(set = 0, binding = 2) writeonly buffer Dst { uint dst[]; };
layout(push_constant) uniform Push { uint shift; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i < dst.length()) dst[i] = a[(i + shift) % a.length()] * factor + (b[(i + shift) % b.length()] ^ i);
}
