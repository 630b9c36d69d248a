// Package vk is a thin layer over Vulkan for compute: devices, memory, pipelines and replayed programs of dispatches.
//
// It is the only importer of vulkan-go and of unsafe. Callers never see a Vulkan handle, never write a barrier and never
// state a lifetime: a [Program] is a list of dispatches over virtual buffers, and what may run together, what must wait,
// and which bytes of the arena a buffer gets are all derived from what each shader declares to read and to write.
//
// The binding's hazards (copies of slices of structs freed while in use, create-info structures cached after first use,
// results that read zero) are met in one of two ways: a call that takes a slice of structs, or any structure newer than
// the binding's header, goes through the C functions of native.h; what is left takes scalars and handles only, or a
// literal create-info that is freed at once (see owned).
package vk
