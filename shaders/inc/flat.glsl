// For kernels that treat every vec4 of a tensor alike: one lane a vec4, workgroups spread over x and y (groups in kernels.go).
layout(local_size_x = 64) in;

uint flatGroup() { return gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x; }

uint flatIndex() { return flatGroup() * gl_WorkGroupSize.x + gl_LocalInvocationIndex; }
