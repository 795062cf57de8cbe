package schemas

import (
	"fmt"
	"hash/crc32"
	"regexp"
	"strconv"
	"strings"
)

// Origin says where a device read a frame that it sent to a server, so that it recognises the answer.
type Origin struct {
	Device    string // see CheckDevice
	Topic     string // of the device
	Partition int32
	Offset    int64
	Sum       uint32 // CRC-32C of the record's value: a topic that was recreated has other frames at the same offsets
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// OriginOf returns the origin of a frame.
func OriginOf(device string, f *Frame) Origin {
	return Origin{device, f.Topic, f.Partition, f.Offset, crc32.Checksum(f.Image, castagnoli)}
}

// String returns device/topic/partition/offset/sum, the sum in eight hexadecimal digits.
func (o Origin) String() string {
	return fmt.Sprintf("%s/%s/%d/%d/%08x", o.Device, o.Topic, o.Partition, o.Offset, o.Sum)
}

// ParseOrigin reads what [Origin.String] writes.
func ParseOrigin(text string) (o Origin, err error) {
	parts := strings.Split(text, "/") // neither a device nor a topic has a slash in its name
	if len(parts) != 5 || parts[1] == "" {
		return o, fmt.Errorf("origin %.100q: must be DEVICE/TOPIC/PARTITION/OFFSET/SUM", text)
	}
	o.Device, o.Topic = parts[0], parts[1]
	partition, err1 := strconv.ParseInt(parts[2], 10, 32)
	offset, err2 := strconv.ParseInt(parts[3], 10, 64)
	sum, err3 := strconv.ParseUint(parts[4], 16, 32)
	o.Partition, o.Offset, o.Sum = int32(partition), offset, uint32(sum)
	if err1 != nil || err2 != nil || err3 != nil || partition < 0 || offset < 0 {
		return o, fmt.Errorf("origin %.100q: must be DEVICE/TOPIC/PARTITION/OFFSET/SUM", text)
	}
	return o, CheckDevice(o.Device)
}

var deviceName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,100}$`)

// CheckDevice refuses names of devices that could not be part of a topic's name.
func CheckDevice(name string) error {
	if !deviceName.MatchString(name) {
		return fmt.Errorf("device %.100q: must be 1 to 100 letters, digits, dots, hyphens and underscores", name)
	}
	return nil
}
