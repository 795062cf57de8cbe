package video

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// encoder is how ffmpeg is to read one source, and what it is to write.
type encoder struct {
	ffmpeg  string
	camera  Camera
	regions []Region
	fps     float64       // 0: every frame
	stall   time.Duration // how long a live source may send nothing
}

// protocols are those that an address may lead to.
const protocols = "pipe,fd,rtsp,rtsps,rtp,srtp,udp,tcp,tls,http,https,httpproxy,crypto,data"

// input returns how ffmpeg finds the source. A URL does not go on its command line, which every user of the machine can
// read, but into a list that it reads from its stdin. The options are for the URL, each a name and a value.
func (e *encoder) input(options ...string) (args []string, stdin string) {
	if !e.camera.remote {
		return []string{"-i", "file:" + e.camera.address}, ""
	}
	var list strings.Builder
	fmt.Fprintf(&list, "ffconcat version 1.0\nfile '%s'\n", strings.ReplaceAll(e.camera.address, "'", `'\''`))
	limit := strconv.FormatInt(e.stall.Microseconds(), 10)
	if strings.HasPrefix(e.camera.address, "rtsp") {
		options = append(options, "rtsp_flags prefer_tcp", "timeout "+limit)
	} else {
		options = append(options, "rw_timeout "+limit)
	}
	for _, o := range options {
		fmt.Fprintf(&list, "option %s\n", o)
	}
	args = []string{"-f", "concat", "-safe", "0", "-protocol_whitelist", protocols, "-i", "pipe:0"}
	if e.camera.Live {
		args = append([]string{"-threads", "1"}, args...) // more would delay each frame by as many
	}
	return args, list.String()
}

// wallClock reports whether frames have to be stamped at their arrival: MJPEG over HTTP has no times.
func (e *encoder) wallClock(p picture) bool {
	return e.camera.Live && p.copyable() && strings.HasPrefix(e.camera.address, "http")
}

// copies reports whether ffmpeg passes packets on as they are.
func (e *encoder) copies(p picture) bool { return p.copyable() && len(e.regions) == 0 }

// args returns ffmpeg's arguments. Output i has its index at pipe 3+2i and its packets at the next.
func (e *encoder) args(p picture) (args []string, stdin string) {
	var options []string
	switch {
	case e.wallClock(p):
		options = []string{"use_wallclock_as_timestamps 1"} // for the filter
	case e.camera.Live && !e.copies(p):
		options = []string{"analyzeduration 1", "fflags nobuffer"} // its codec is known: frames come as they arrive
	}
	args, stdin = e.input(options...)
	args = append([]string{"-nostdin", "-hide_banner", "-nostats", "-loglevel", "error"}, args...)
	if e.copies(p) {
		return append(append(args, "-map", "0:v:0", "-c:v", "copy"), tee(0)...), stdin
	}
	graph, outputs := e.graph()
	args = append(args, "-filter_complex", graph)
	for i, name := range outputs {
		args = append(args, "-map", name, "-c:v", "mjpeg", "-q:v", "3", "-pix_fmt", "yuvj420p", "-enc_time_base", "1:1000", "-fps_mode", "passthrough")
		args = append(args, tee(i)...)
	}
	return args, stdin
}

// graph is the filter graph from the source to the outputs.
func (e *encoder) graph() (graph string, outputs []string) {
	regions := e.regions
	if len(regions) == 0 {
		regions = []Region{{}}
	}
	var b strings.Builder
	// Cameras repeat times when a connection begins, or set their clocks back: the encoder would refuse that.
	b.WriteString("[0:v:0]setpts='if(isnan(PREV_OUTPTS),PTS,max(PTS,PREV_OUTPTS+0.001/TB))',")
	if e.fps > 0 {
		slot := "floor(%s*" + strconv.FormatFloat(e.fps, 'f', -1, 64) + "+0.001)"
		fmt.Fprintf(&b, "select='isnan(prev_selected_t)+gt("+slot+","+slot+")',", "t", "prev_selected_t")
	}
	fmt.Fprintf(&b, "split=%d", len(regions))
	for i := range regions {
		fmt.Fprintf(&b, "[s%d]", i)
	}
	for i, r := range regions {
		fmt.Fprintf(&b, ";[s%d]%s[r%d]", i, r.filter(), i)
		outputs = append(outputs, fmt.Sprintf("[r%d]", i))
	}
	return b.String(), outputs
}

// tee writes output i to two pipes, its index first.
func tee(i int) []string {
	return []string{"-f", "tee", fmt.Sprintf("[f=framecrc:flush_packets=1]pipe:%d|[f=rawvideo:flush_packets=1]pipe:%d", 3+2*i, 4+2*i)}
}
