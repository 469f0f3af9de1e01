package capture

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// file is a capture file (pcapng), for Wireshark and its like. It can be read while
// it grows: each packet is written whole.
type file struct {
	f          io.WriteCloser
	w          *pcapgo.NgWriter // nil before the first packet
	interfaces map[int]int      // number in the file, by the kernel's
}

// createFile makes a file at path, or empties the one that is there.
func createFile(path string) (*file, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("--write: %w", err)
	}
	return &file{f: f, interfaces: map[int]int{}}, nil
}

// write adds a packet.
func (c *file) write(f frame) error {
	id, err := c.describe(f)
	if err == nil {
		err = c.w.WritePacket(gopacket.CaptureInfo{
			Timestamp:      f.at,
			CaptureLength:  len(f.data),
			Length:         len(f.data),
			InterfaceIndex: id,
		}, f.data)
	}
	if err == nil {
		err = c.w.Flush()
	}
	if err != nil {
		return fmt.Errorf("--write: %w", err)
	}
	return nil
}

// describe returns the number of the frame's interface in the file. The file begins
// with the description of the first.
func (c *file) describe(f frame) (int, error) {
	if id, ok := c.interfaces[f.index]; ok {
		return id, nil
	}
	intf := pcapgo.DefaultNgInterface
	intf.Name, intf.LinkType = f.link, layers.LinkTypeEthernet
	if f.headless {
		intf.LinkType = layers.LinkTypeRaw
	}
	id := 0
	var err error
	if c.w == nil {
		c.w, err = pcapgo.NewNgWriterInterface(c.f, intf, options())
	} else {
		id, err = c.w.AddInterface(intf)
	}
	c.interfaces[f.index] = id
	return id, err
}

func options() pcapgo.NgWriterOptions {
	o := pcapgo.DefaultNgWriterOptions
	o.SectionInfo.Application = "crosslan"
	return o
}

// close ends the file. One without packets still has to be a capture file.
func (c *file) close() error {
	var err error
	if c.w == nil {
		if c.w, err = pcapgo.NewNgWriterInterface(c.f, pcapgo.DefaultNgInterface, options()); err == nil {
			err = c.w.Flush()
		}
	}
	if err = errors.Join(err, c.f.Close()); err != nil {
		return fmt.Errorf("--write: %w", err)
	}
	return nil
}
