// The record between its neighbours, each with its place and its hash.
import { UnstyledButton } from '@mantine/core'
import { Fragment, useState } from 'react'
import type { AuditRecordAnswer } from '../../../client/index.ts'
import { grouped } from '../../ui/formats.ts'
import classes from './chain-strip.module.css'
import { NO_HASH, type Place, type Proof } from './proof.ts'

interface Link {
  readonly title: string
  readonly place: string
  readonly hash: string
  readonly auditId: string | null
  readonly isThis: boolean
}

export function ChainStrip({
  answer,
  proof,
  onOpen,
}: {
  readonly answer: AuditRecordAnswer
  readonly proof: Proof | null
  readonly onOpen: (auditId: string) => void
}) {
  const [whole, setWhole] = useState(false)
  const links = answer.sequence === null ? null : linksOf(answer, proof)
  return (
    <section className={classes.strip} aria-label="Place in the chain">
      <div className={classes.head}>
        <h3>Place in the chain</h3>
        {links !== null && (
          <UnstyledButton className={classes.toggle} aria-pressed={whole} onClick={() => setWhole(!whole)}>
            {whole ? 'Short hashes' : 'Whole hashes'}
          </UnstyledButton>
        )}
      </div>
      {links === null ? (
        <p className={classes.waiting}>
          It is on the record and waits for its place: records are sealed a second or two after they are kept.
        </p>
      ) : (
        <ol className={classes.links} data-whole={whole || undefined}>
          {links.map((link, index) => (
            <Fragment key={link.title}>
              {index > 0 && (
                <li aria-hidden="true" className={classes.arrow}>
                  →
                </li>
              )}
              <li className={classes.link} data-this={link.isThis || undefined}>
                <span className={classes.name}>
                  {link.auditId === null || link.isThis ? (
                    link.isThis ? (
                      <b>{link.title}</b>
                    ) : (
                      <span className="quiet">{link.title}</span>
                    )
                  ) : (
                    <UnstyledButton className={classes.open} onClick={() => onOpen(link.auditId as string)}>
                      {link.title}
                    </UnstyledButton>
                  )}
                  <span className="quiet">{link.place}</span>
                </span>
                <span className={`mono ${classes.hash}`}>{whole ? link.hash : shortHash(link.hash)}</span>
              </li>
            </Fragment>
          ))}
        </ol>
      )}
    </section>
  )
}

function linksOf({ sequence, hash, prev_hash }: AuditRecordAnswer, proof: Proof | null): Link[] {
  const place = sequence as number
  const isFirst = prev_hash === NO_HASH
  const neighbour = (
    title: string,
    known: Place | null | undefined,
    otherwise: Omit<Link, 'title' | 'isThis'>,
  ): Link =>
    known === null || known === undefined
      ? { title, isThis: false, ...otherwise }
      : { title, place: grouped(String(known.sequence)), hash: known.hash, auditId: known.auditId, isThis: false }
  return [
    neighbour('Before', proof?.before, {
      place: isFirst ? 'none' : grouped(String(place - 1)),
      hash: isFirst ? 'the chain begins here' : (prev_hash ?? ''),
      auditId: null,
    }),
    { title: 'This record', place: grouped(String(place)), hash: hash ?? '', auditId: null, isThis: true },
    neighbour('After', proof?.after, { place: '', hash: proof === null ? '' : 'none yet', auditId: null }),
  ]
}

/** `d7432915…ef6d68`; other words stay. */
export function shortHash(hash: string): string {
  return /^[0-9a-f]{64}$/.test(hash) ? `${hash.slice(0, 8)}…${hash.slice(-6)}` : hash
}
