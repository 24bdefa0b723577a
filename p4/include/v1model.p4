// The v1model architecture: parser, checksum verification, ingress, egress, checksum update, deparser.
// V1MODEL_VERSION 20200408 or later: counters, meters and registers take the type of their index as a parameter.
#ifndef _V1_MODEL_P4_
#define _V1_MODEL_P4_

#ifndef V1MODEL_VERSION
#define V1MODEL_VERSION 20180101
#endif

#include <core.p4>

match_kind {
    range,
    optional,
    selector
}

const bit<32> __v1model_version = V1MODEL_VERSION;

#if V1MODEL_VERSION >= 20200408
typedef bit<9> PortId_t;
#define V1MODEL_PORT PortId_t
#define V1MODEL_OF_INDEX <I>
#define V1MODEL_REGISTER_OF <T, I>
#define V1MODEL_INDEX I
#else
#define V1MODEL_PORT bit<9>
#define V1MODEL_OF_INDEX
#define V1MODEL_REGISTER_OF <T>
#define V1MODEL_INDEX bit<32>
#endif

@metadata @name("standard_metadata")
struct standard_metadata_t {
    V1MODEL_PORT ingress_port;
    V1MODEL_PORT egress_spec;
    V1MODEL_PORT egress_port;
    bit<32>      instance_type;
    bit<32>      packet_length;
    @alias("queueing_metadata.enq_timestamp")
    bit<32>      enq_timestamp;
    @alias("queueing_metadata.enq_qdepth")
    bit<19>      enq_qdepth;
    @alias("queueing_metadata.deq_timedelta")
    bit<32>      deq_timedelta;
    @alias("queueing_metadata.deq_qdepth")
    bit<19>      deq_qdepth;
    @alias("intrinsic_metadata.ingress_global_timestamp")
    bit<48>      ingress_global_timestamp;
    @alias("intrinsic_metadata.egress_global_timestamp")
    bit<48>      egress_global_timestamp;
    @alias("intrinsic_metadata.mcast_grp")
    bit<16>      mcast_grp;
    @alias("intrinsic_metadata.egress_rid")
    bit<16>      egress_rid;
    // 1 when verify_checksum() found a wrong one.
    bit<1>       checksum_error;
    error        parser_error;
    @alias("intrinsic_metadata.priority")
    bit<3>       priority;
}

enum CounterType {
    packets,
    bytes,
    packets_and_bytes
}

enum MeterType {
    packets,
    bytes
}

extern counter V1MODEL_OF_INDEX {
    counter(bit<32> size, CounterType type);
    void count(in V1MODEL_INDEX index);
}

// Belongs to the table whose property `counters` names it; every hit counts.
extern direct_counter {
    direct_counter(CounterType type);
    void count();
}

#define V1MODEL_METER_COLOR_GREEN  0
#define V1MODEL_METER_COLOR_YELLOW 1
#define V1MODEL_METER_COLOR_RED    2

extern meter V1MODEL_OF_INDEX {
    meter(bit<32> size, MeterType type);
    void execute_meter<T>(in V1MODEL_INDEX index, out T result);
}

// Belongs to the table whose property `meters` names it; every hit runs it, read() gives the colour.
extern direct_meter<T> {
    direct_meter(MeterType type);
    void read(out T result);
}

extern register V1MODEL_REGISTER_OF {
    register(bit<32> size);
    @noSideEffects
    void read(out T result, in V1MODEL_INDEX index);
    void write(in V1MODEL_INDEX index, in T value);
}

extern action_profile {
    action_profile(bit<32> size);
}

enum HashAlgorithm {
    crc32,
    crc32_custom,
    crc16,
    crc16_custom,
    random,
    identity,
    csum16,
    xor16
}

extern action_selector {
    action_selector(HashAlgorithm algorithm, bit<32> size, bit<32> outputWidth);
}

// Both bounds are included.
extern void random<T>(out T result, in T lo, in T hi);

extern void digest<T>(in bit<32> receiver, in T data);

// Sets egress_spec to the drop port and mcast_grp to 0.
@deprecated("Please use mark_to_drop(standard_metadata) instead.")
extern void mark_to_drop();
@pure
extern void mark_to_drop(inout standard_metadata_t standard_metadata);

// result = base + hash(data) % max; base when max is 0.
@pure
extern void hash<O, T, D, M>(out O result, in HashAlgorithm algo, in T base, in D data, in M max);

enum CloneType {
    I2E,
    E2E
}

@deprecated("Please use verify_checksum/update_checksum instead.")
extern Checksum16 {
    Checksum16();
    bit<16> get<D>(in D data);
}

extern void verify_checksum<T, O>(in bool condition, in T data, in O checksum, HashAlgorithm algo);
@pure
extern void update_checksum<T, O>(in bool condition, in T data, inout O checksum, HashAlgorithm algo);
// The payload is what the parser did not take.
extern void verify_checksum_with_payload<T, O>(in bool condition, in T data, in O checksum, HashAlgorithm algo);
@noSideEffects
extern void update_checksum_with_payload<T, O>(in bool condition, in T data, inout O checksum, HashAlgorithm algo);

extern void clone(in CloneType type, in bit<32> session);

@deprecated("Please use 'resubmit_preserving_field_list' instead.")
extern void resubmit<T>(in T data);
@deprecated("Please use 'recirculate_preserving_field_list' instead.")
extern void recirculate<T>(in T data);
@deprecated("Please use 'clone_preserving_field_list' instead.")
extern void clone3<T>(in CloneType type, in bit<32> session, in T data);

// `index` names the fields of user metadata that have @field_list with it: those are kept.
extern void resubmit_preserving_field_list(bit<8> index);
extern void recirculate_preserving_field_list(bit<8> index);
extern void clone_preserving_field_list(in CloneType type, in bit<32> session, bit<8> index);

// In bytes, on the way out.
extern void truncate(in bit<32> length);

extern void assert(in bool check);
extern void assume(in bool check);

extern void log_msg(string msg);
extern void log_msg<T>(string msg, in T data);

parser Parser<H, M>(
    packet_in b,
    out H parsedHdr,
    inout M meta,
    inout standard_metadata_t standard_metadata);

control VerifyChecksum<H, M>(
    inout H hdr,
    inout M meta);

@pipeline
control Ingress<H, M>(
    inout H hdr,
    inout M meta,
    inout standard_metadata_t standard_metadata);

@pipeline
control Egress<H, M>(
    inout H hdr,
    inout M meta,
    inout standard_metadata_t standard_metadata);

control ComputeChecksum<H, M>(
    inout H hdr,
    inout M meta);

@deparser
control Deparser<H>(
    packet_out b,
    in H hdr);

package V1Switch<H, M>(
    Parser<H, M> p,
    VerifyChecksum<H, M> vr,
    Ingress<H, M> ig,
    Egress<H, M> eg,
    ComputeChecksum<H, M> ck,
    Deparser<H> dep);

#endif
