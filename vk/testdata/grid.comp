// dst[i] += i + 1, of all workgroups in rows over x and y, layer by layer: what is done twice, or by the wrong one, is seen.
#version 450
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer Dst { uint dst[]; };
layout(push_constant) uniform Push { uint layer; };

void main() {
  uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
  uint i = (gl_WorkGroupID.z * layer + group) * 64 + gl_LocalInvocationIndex;
  if (i < dst.length()) dst[i] += i + 1;
}
