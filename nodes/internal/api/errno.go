package api

import "golang.org/x/sys/unix"

// errnoName names an errno. Two names have the number 95 on Linux; that of the
// socket calls is the one that their manual pages have.
func errnoName(no unix.Errno) string {
	if no == unix.EOPNOTSUPP {
		return "EOPNOTSUPP"
	}
	return unix.ErrnoName(no)
}
