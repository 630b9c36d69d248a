// Free space, as Windows tells it.

package atomicfile

import "golang.org/x/sys/windows"

// free is the number of bytes that the user can still write to the disk of a folder.
func free(folder string) (uint64, error) {
	path, err := windows.UTF16PtrFromString(folder)
	if err != nil {
		return 0, err
	}
	var available uint64
	err = windows.GetDiskFreeSpaceEx(path, &available, nil, nil)
	return available, err
}
