// Which of a cluster's 16384 slots a key lies in. https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
const SLOTS = 16_384

/** CRC16 (XMODEM) of one byte, for each byte. */
const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021
  return crc
})

/**
 * 0 to 16383. Keys with the same text between their first braces (a hash tag, as in `terms:{demo-classic}`) lie in the same slot.
 */
export function keySlot(key: string): number {
  const open = key.indexOf('{')
  const close = key.indexOf('}', open)
  const hashed = open !== -1 && close > open + 1 ? key.slice(open + 1, close) : key
  let crc = 0
  for (const byte of Buffer.from(hashed)) crc = ((crc << 8) & 0xffff) ^ (TABLE[((crc >> 8) ^ byte) & 0xff] ?? 0)
  return crc % SLOTS
}
