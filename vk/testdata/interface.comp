// Every qualifier, type and constant that reflection reads.
#version 450
layout(local_size_x_id = 1, local_size_y = 2, local_size_z_id = 2) in;
layout(constant_id = 0) const bool negate = false;
layout(constant_id = 3) const uint tile = 4;
layout(set = 0, binding = 0) buffer Both { uint both[]; };
layout(set = 0, binding = 1) readonly buffer Block { vec4 head; uint read[]; };
layout(set = 0, binding = 2) buffer Members { readonly uint count; readonly uint list[]; } members;
layout(set = 0, binding = 3) buffer Some { readonly uint count; uint list[]; } some;
layout(set = 0, binding = 4) writeonly buffer Written { uint written[]; };
layout(set = 0, binding = 5) readonly buffer Alias { uint words[]; };
layout(set = 0, binding = 5) readonly buffer Alias4 { uvec4 vectors[]; };
layout(push_constant) uniform Push { uint a; vec2 b; ivec4 c; float d[3]; };

struct Cell { vec3 v; uint w; };
shared float square[tile * tile + 1];
shared Cell cells[2];

void main() {
  uint i = gl_LocalInvocationID.x;
  square[i] = b.x + d[1] + head.x;
  cells[i & 1u].w = uint(c.x);
  barrier();
  both[i] = negate ? a : read[i] + members.list[members.count] + some.list[some.count] + words[i] + vectors[i].x;
  some.list[i] = uint(square[0]) + cells[0].w;
  written[i] = i;
}
