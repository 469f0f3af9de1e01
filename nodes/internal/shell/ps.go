package shell

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// process is what ps shows of one.
type process struct {
	pid     int
	user    string
	command string
}

// ps lists the processes that /proc shows. Options are not needed and ignored.
func ps(c *call) error {
	processes, err := running()
	if err != nil {
		return err
	}
	if err := c.println(fmt.Sprintf("%5s %-8s %s", "PID", "USER", "COMMAND")); err != nil {
		return err
	}
	for _, p := range processes {
		if err := c.println(fmt.Sprintf("%5d %-8s %s", p.pid, p.user, p.command)); err != nil {
			return err
		}
	}
	return nil
}

func running() ([]process, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var all []process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if p, ok := lookAt(pid); ok {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b process) int { return a.pid - b.pid })
	return all, nil
}

// lookAt is false for a process that has ended in between.
func lookAt(pid int) (process, bool) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	info, err := os.Stat(dir)
	if err != nil {
		return process{}, false
	}
	line, err := os.ReadFile(filepath.Join(dir, "cmdline"))
	if err != nil {
		return process{}, false
	}
	p := process{pid: pid, command: strings.TrimSpace(string(bytes.ReplaceAll(line, []byte{0}, []byte(" "))))}
	if p.command == "" { // of the kernel, or a zombie
		name, err := os.ReadFile(filepath.Join(dir, "comm"))
		if err != nil {
			return process{}, false
		}
		p.command = "[" + strings.TrimSpace(string(name)) + "]"
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		p.user = userName(int(stat.Uid))
	}
	return p, true
}
