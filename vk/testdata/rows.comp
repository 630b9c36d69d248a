// dst[i] = x[i] + 1 + fault: rows values for each invocation, the same bits whatever rows is.
#version 450
layout(local_size_x = 64) in;
layout(constant_id = 0) const uint rows = 1;
layout(constant_id = 1) const uint fault = 0;
layout(set = 0, binding = 0) readonly buffer X { uint x[]; };
layout(set = 0, binding = 1) writeonly buffer Dst { uint dst[]; };

void main() {
  for (uint row = 0; row < rows; row++) {
    uint i = gl_GlobalInvocationID.x * rows + row;
    if (i < dst.length()) dst[i] = x[i] + 1u + fault;
  }
}
