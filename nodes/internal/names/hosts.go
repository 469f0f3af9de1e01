package names

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"strings"
)

// hostsPath is the file that is asked first (hosts(5)). Docker writes it for each
// container, extra_hosts included.
const hostsPath = "/etc/hosts"

// hostsLine is a line of the hosts file that names a host.
type hostsLine struct {
	number int // from 1
	text   string
	addr   netip.Addr
}

// readHosts returns the lines that give an address to the name, and how many lines the
// file has. A file that is not there has none.
func readHosts(path, name string) (found []hostsLine, lines int, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read the hosts file: %w", err)
	}
	defer f.Close()
	if found, lines, err = scanHosts(f, name); err != nil {
		return nil, 0, fmt.Errorf("read %s: %w", path, err)
	}
	return found, lines, nil
}

func scanHosts(r io.Reader, name string) (found []hostsLine, lines int, err error) {
	name = strings.TrimSuffix(name, ".")
	s := bufio.NewScanner(r)
	for s.Scan() {
		lines++
		fields := fields(s.Text())
		if len(fields) < 2 {
			continue
		}
		a, err := netip.ParseAddr(fields[0])
		if err != nil {
			continue
		}
		for _, n := range fields[1:] {
			if strings.EqualFold(strings.TrimSuffix(n, "."), name) {
				found = append(found, hostsLine{lines, strings.Join(fields, " "), a.Unmap()})
				break
			}
		}
	}
	return found, lines, s.Err()
}

// fields splits a line of a configuration file, without its comment.
func fields(line string) []string {
	line, _, _ = strings.Cut(line, "#")
	return strings.Fields(line)
}
