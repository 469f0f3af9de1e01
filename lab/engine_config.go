package lab

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"
)

// unsupported names the first thing a service asks for that a lab does not
// do; leaving it out silently would be a lie about the user's file.
func (n NodeSpec) unsupported() error {
	s := n.service
	switch {
	case s.NetworkMode == "host":
		return errors.New("network_mode: host is in no LAN; give it a place in networks")
	case s.GetScale() != 1:
		return errors.New("scale: a node is one container; declare further services instead")
	case len(s.Configs) > 0:
		return errors.New("configs: is not supported in a lab; use volumes")
	case len(s.Secrets) > 0:
		return errors.New("secrets: is not supported in a lab; use volumes")
	case len(s.VolumesFrom) > 0:
		return errors.New("volumes_from: is not supported in a lab; use volumes")
	case len(s.Links) > 0 || len(s.ExternalLinks) > 0:
		return errors.New("links: is not supported in a lab; use networks and extra_hosts")
	case len(s.Gpus) > 0 || s.Provider != nil || len(s.Models) > 0 || s.CredentialSpec != nil:
		return errors.New("gpus, provider, models and credential_spec are not supported in a lab")
	case len(s.PreStart) > 0 || len(s.PostStart) > 0 || len(s.PreStop) > 0:
		return errors.New("pre_start, post_start and pre_stop are not supported in a lab")
	}
	return nil
}

func (n NodeSpec) containerConfig(labels map[string]string) (*container.Config, error) {
	s := n.service
	c := &container.Config{
		Image:      n.Image,
		Cmd:        s.Command,
		Entrypoint: s.Entrypoint,
		Env:        environment(s.Environment),
		User:       s.User,
		WorkingDir: s.WorkingDir,
		Hostname:   s.Hostname,
		Domainname: s.DomainName,
		Tty:        s.Tty,
		OpenStdin:  s.StdinOpen,
		StopSignal: s.StopSignal,
		Labels:     with(labels, flatten(s.Labels)...),
	}
	if n.Inside == "" && c.Hostname == "" {
		c.Hostname = n.Name
	}
	if s.StopGracePeriod != nil {
		seconds := int(time.Duration(*s.StopGracePeriod).Seconds())
		c.StopTimeout = &seconds
	}
	if h := s.HealthCheck; h != nil {
		c.Healthcheck = healthConfig(h)
	}
	return c, nil
}

func healthConfig(h *types.HealthCheckConfig) *container.HealthConfig {
	if h.Disable {
		return &container.HealthConfig{Test: []string{"NONE"}}
	}
	c := &container.HealthConfig{Test: h.Test}
	for _, d := range []struct {
		from *types.Duration
		to   *time.Duration
	}{{h.Interval, &c.Interval}, {h.Timeout, &c.Timeout}, {h.StartPeriod, &c.StartPeriod}, {h.StartInterval, &c.StartInterval}} {
		if d.from != nil {
			*d.to = time.Duration(*d.from)
		}
	}
	if h.Retries != nil {
		c.Retries = int(*h.Retries)
	}
	return c
}

func environment(m types.MappingWithEquals) []string {
	var env []string
	for k, v := range m {
		if v != nil { // no value anywhere: Compose leaves it unset
			env = append(env, k+"="+*v)
		}
	}
	slices.Sort(env)
	return env
}

func (n NodeSpec) hostConfig(t *Topology) (*container.HostConfig, error) {
	s := n.service
	h := &container.HostConfig{
		CapAdd:         s.CapAdd,
		CapDrop:        s.CapDrop,
		Privileged:     s.Privileged,
		ReadonlyRootfs: s.ReadOnly,
		Sysctls:        s.Sysctls,
		ExtraHosts:     s.ExtraHosts.AsList(":"),
		DNSOptions:     s.DNSOpts,
		DNSSearch:      s.DNSSearch,
		SecurityOpt:    s.SecurityOpt,
		GroupAdd:       s.GroupAdd,
		Init:           s.Init,
		ShmSize:        int64(s.ShmSize),
		PidMode:        container.PidMode(s.Pid),
		IpcMode:        container.IpcMode(s.Ipc),
		UTSMode:        container.UTSMode(s.Uts),
		UsernsMode:     container.UsernsMode(s.UserNSMode),
		Runtime:        s.Runtime,
		NetworkMode:    n.networkMode(t),
		Tmpfs:          tmpfs(s.Tmpfs),
		RestartPolicy:  container.RestartPolicy{Name: container.RestartPolicyMode(s.Restart)},
		Resources: container.Resources{
			Memory:     int64(s.MemLimit),
			MemorySwap: int64(s.MemSwapLimit),
			NanoCPUs:   int64(float64(s.CPUS) * 1e9),
			CPUShares:  s.CPUShares,
			CpusetCpus: s.CPUSet,
			Ulimits:    ulimits(s.Ulimits),
		},
	}
	if s.PidsLimit != 0 {
		h.PidsLimit = &s.PidsLimit
	}
	for _, d := range s.Devices {
		h.Devices = append(h.Devices, container.DeviceMapping{PathOnHost: d.Source, PathInContainer: d.Target, CgroupPermissions: d.Permissions})
	}
	for _, server := range s.DNS {
		addr, err := netip.ParseAddr(server)
		if err != nil {
			return nil, fmt.Errorf("dns: %q is not an address", server)
		}
		h.DNS = append(h.DNS, addr)
	}
	var err error
	if h.PortBindings, err = portBindings(s.Ports); err != nil {
		return nil, err
	}
	h.Mounts, err = n.mounts(t)
	return h, err
}

// networkMode is the engine's first network, or another node's namespace.
func (n NodeSpec) networkMode(t *Topology) container.NetworkMode {
	if n.Inside != "" {
		return container.NetworkMode("container:" + t.containerName(n.Inside))
	}
	if endpoints := n.endpoints(t); len(endpoints) > 0 {
		return container.NetworkMode(endpoints[0].network)
	}
	return "none"
}

func (n NodeSpec) endpointSettings(name string) *network.EndpointSettings {
	settings := &network.EndpointSettings{Aliases: []string{n.Name}}
	config := n.service.Networks[name]
	if config == nil {
		return settings
	}
	settings.Aliases = append(settings.Aliases, config.Aliases...)
	settings.DriverOpts = config.DriverOpts
	settings.GwPriority = config.GatewayPriority
	ipam := &network.EndpointIPAMConfig{}
	ipam.IPv4Address, _ = netip.ParseAddr(config.Ipv4Address)
	ipam.IPv6Address, _ = netip.ParseAddr(config.Ipv6Address)
	if ipam.IPv4Address.IsValid() || ipam.IPv6Address.IsValid() {
		settings.IPAMConfig = ipam
	}
	return settings
}

func tmpfs(list []string) map[string]string {
	if len(list) == 0 {
		return nil
	}
	m := make(map[string]string, len(list))
	for _, entry := range list {
		path, options, _ := strings.Cut(entry, ":")
		m[path] = options
	}
	return m
}

func ulimits(m map[string]*types.UlimitsConfig) []*container.Ulimit {
	var all []*container.Ulimit
	for name, u := range m {
		l := &container.Ulimit{Name: name, Soft: int64(u.Soft), Hard: int64(u.Hard)}
		if u.Single != 0 {
			l.Soft, l.Hard = int64(u.Single), int64(u.Single)
		}
		all = append(all, l)
	}
	return all
}

func portBindings(ports []types.ServicePortConfig) (network.PortMap, error) {
	if len(ports) == 0 {
		return nil, nil
	}
	m := make(network.PortMap)
	for _, p := range ports {
		port, err := network.ParsePort(fmt.Sprintf("%d/%s", p.Target, p.Protocol))
		if err != nil {
			return nil, fmt.Errorf("ports: %w", err)
		}
		binding := network.PortBinding{HostPort: p.Published}
		if p.HostIP != "" {
			if binding.HostIP, err = netip.ParseAddr(p.HostIP); err != nil {
				return nil, fmt.Errorf("ports: %q is not an address", p.HostIP)
			}
		}
		m[port] = append(m[port], binding)
	}
	return m, nil
}

func (n NodeSpec) mounts(t *Topology) ([]mount.Mount, error) {
	var all []mount.Mount
	for _, v := range n.service.Volumes {
		m := mount.Mount{Type: mount.Type(v.Type), Source: v.Source, Target: v.Target, ReadOnly: v.ReadOnly}
		switch v.Type {
		case types.VolumeTypeBind:
		case types.VolumeTypeTmpfs:
			m.Source = ""
			if v.Tmpfs != nil {
				m.TmpfsOptions = &mount.TmpfsOptions{SizeBytes: int64(v.Tmpfs.Size)}
			}
		case types.VolumeTypeVolume:
			if v.Source != "" {
				// Its label lets Stop find it again.
				m.Source = t.project.Volumes[v.Source].Name
				m.VolumeOptions = &mount.VolumeOptions{Labels: map[string]string{labelLab: t.Name, composeProject: t.Name, composeVolume: v.Source}}
			}
		default:
			return nil, fmt.Errorf("volumes: type %q is not supported in a lab; use bind, volume or tmpfs", v.Type)
		}
		all = append(all, m)
	}
	return all, nil
}

// hash identifies a service's configuration, as Compose's label wants it.
func (n NodeSpec) hash() string {
	b, err := json.Marshal(n.service)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%x", sha256.Sum256(b))
}
