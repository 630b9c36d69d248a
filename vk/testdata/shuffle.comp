// dst[i] = the word of the next invocation's index, by a subgroup shuffle: a capability that not every device has.
#version 450
#extension GL_KHR_shader_subgroup_shuffle : require
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) writeonly buffer Dst { uint dst[]; };

void main() {
  dst[gl_GlobalInvocationID.x] = subgroupShuffleXor(gl_GlobalInvocationID.x, 1);
}
