// Package vk is a thin layer over Vulkan for compute: devices, memory, pipelines and replayed programs of dispatches.
//
// It is the only importer of vulkan-go and of unsafe. Callers never see a Vulkan handle, never write a barrier and never
// state a lifetime: a [Program] is a list of dispatches over virtual buffers, and what may run together, what must wait,
// and which bytes of the arena a buffer gets are all derived from what each shader declares to read and to write.
//
// # What the binding gets wrong, and what keeps it from mattering
//
//   - Slices of structs, passed in or read back, are copies that may be freed while in use: every call that takes one is
//     made by native.c. What is left to the binding takes scalars, handles, slices of handles, or one create-info.
//   - A create-info that is not freed leaks: each is a literal, passed once and freed on the next line (TestLeaks).
//   - A create-info changed after its first use still has its old values, and elements of slices lose theirs: none is used twice.
//   - Properties read zero until they are dereferenced, level by level: native.c reads them all (TestLimits).
//   - Strings lack their NUL: all strings go through C.CString.
//   - Results written into a field of a Go struct panic: they are written to a local variable first.
//   - It loads libvulkan.so, which only a development package owns, and it knows Vulkan as of 2018: native.c opens
//     libvulkan.so.1, and declares what is newer by itself (TestDeclarationsAreVulkans).
//   - Its errors cannot be told apart by errors.Is: see [Error].
//   - Its entry points are C globals, so that a process has one instance: see openInstance.
//
// TestGarbage runs all of it while the garbage collector never rests.
package vk
